//! Command lines made from the recipe's keys: a flag for every key, in kebab case, with MindCV's
//! spelling (underscores) as an alias.

use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::Value;
use trainer::recipe::{Key, Layer, Recipe, Support, all_keys};

/// Adds `--config` and a flag for each key that `wanted` lets through. `-h` shows the keys that
/// change something, `--help` all.
#[must_use]
pub fn with_recipe(command: Command, wanted: impl Fn(&Key) -> bool) -> Command {
    let defaults = serde_json::to_value(Recipe::default()).unwrap_or_default();
    let config = Arg::new("config")
        .short('c')
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("Recipe: a YAML file of the keys below; flags override it");
    all_keys()
        .iter()
        .filter(|key| wanted(key))
        .map(|key| flag(key, defaults.get(key.name)))
        .fold(command.arg(config), Command::arg)
}

fn flag(key: &'static Key, default: Option<&Value>) -> Arg {
    let is_switch = default.is_some_and(Value::is_boolean)
        || matches!(key.support, Support::Off(["false", ..]));
    let changes_something = matches!(key.support, Support::Full | Support::Words(_));
    let arg = Arg::new(key.name)
        .long(key.flag())
        .help(help(key, default))
        .help_heading(key.group.heading())
        .value_name("VALUE")
        .allow_negative_numbers(true)
        .hide_short_help(!changes_something);
    let arg = if key.name.contains('_') {
        arg.alias(key.name)
    } else {
        arg
    };
    if is_switch {
        arg.num_args(0..=1)
            .default_missing_value("true")
            .value_name("true|false")
    } else {
        arg
    }
}

fn help(key: &Key, default: Option<&Value>) -> StyledStr {
    let text = key.help;
    match (key.support, default) {
        (Support::Ignored(_), _) => format!("{text} (no effect here)"),
        (_, None | Some(Value::Null)) => text.to_owned(),
        (_, Some(Value::String(default))) => format!("{text} [default: {default}]"),
        (_, Some(default)) => format!("{text} [default: {default}]"),
    }
    .into()
}

/// The recipe file, if there is one, and the flags that were given.
///
/// # Errors
/// The recipe file cannot be read or holds an unknown key.
pub fn layers(matches: &ArgMatches) -> anyhow::Result<Vec<Layer>> {
    let file = matches
        .get_one::<PathBuf>("config")
        .map(|path| Layer::from_yaml_file(path));
    let flags = all_keys().iter().filter_map(|key| {
        let value = matches.try_get_one::<String>(key.name).ok()??;
        Some((key.name, value.as_str()))
    });
    Ok(file
        .transpose()?
        .into_iter()
        .chain([Layer::from_flags(flags)?])
        .collect())
}

/// Says what was accepted without effect.
pub fn report_notes(notes: &[String]) {
    for note in notes {
        tracing::info!("note: {note}");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use trainer::recipe::Purpose;

    fn resolve(arguments: &str) -> Recipe {
        let command = with_recipe(Command::new("train"), |_| true);
        let arguments = ["train"].into_iter().chain(arguments.split_whitespace());
        let matches = command.try_get_matches_from(arguments).unwrap();
        let layers = layers(&matches).unwrap();
        Recipe::resolve(&Recipe::default(), &layers, Purpose::Train)
            .unwrap()
            .recipe
    }

    #[test]
    fn the_command_line_is_sound() {
        with_recipe(Command::new("train"), |_| true).debug_assert();
        with_recipe(Command::new("validate"), |key| key.evaluation).debug_assert();
    }

    #[test]
    fn both_spellings_of_a_flag_are_read() {
        let expected = Recipe {
            data_dir: "/data".into(),
            lr: 0.25,
            ..Recipe::default()
        };
        assert_eq!(resolve("--data-dir /data --lr 0.25"), expected);
        assert_eq!(resolve("--data_dir=/data --lr=0.25"), expected);
        assert_eq!(resolve(""), Recipe::default());
    }

    #[test]
    fn a_switch_needs_no_value_and_takes_one() {
        assert!(resolve("--val-while-train").val_while_train);
        assert!(resolve("--val_while_train True --use-nesterov").use_nesterov);
        assert!(!resolve("--shuffle False --distribute false --ema false").shuffle);
    }

    #[test]
    fn every_key_but_those_of_training_reaches_validation() {
        let command = with_recipe(Command::new("validate"), |key| key.evaluation);
        assert!(
            command
                .clone()
                .try_get_matches_from(["validate", "--crop-pct", "1"])
                .is_ok()
        );
        assert!(
            command
                .try_get_matches_from(["validate", "--weight-decay", "1"])
                .is_err()
        );
    }
}
