//! Command lines made from the recipe's keys: a flag for every key in kebab case, with MindCV's spelling (underscores)
//! as an alias.

use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::Value;
use trainer::evaluate::trained_network::{EnsembleMember, LoadOptions};
use trainer::network::Wanted;
use trainer::recipe::{Key, Layer, Recipe, Support, all_keys};

/// Adds `--config` and a flag for each key that `wanted` accepts. `-h` shows the keys that have an effect, `--help` all.
#[must_use]
pub fn with_recipe(command: Command, wanted: impl Fn(&Key) -> bool) -> Command {
    let defaults = serde_json::to_value(Recipe::default()).unwrap_or_default();
    let config = Arg::new("config")
        .short('c')
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("The recipe, a YAML file with the keys below; flags override it");
    all_keys()
        .iter()
        .filter(|key| wanted(key))
        .map(|key| flag(key, defaults.get(key.name)))
        .fold(command.arg(config), Command::arg)
}

fn flag(key: &'static Key, default: Option<&Value>) -> Arg {
    let is_switch = default.is_some_and(Value::is_boolean)
        || matches!(
            key.support,
            Support::Off(["false", ..]) | Support::Only(["false", ..], _)
        );
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

/// The recipe file, if there is one, then the values of `--preprocess`, then the given flags. A later layer overrides
/// an earlier one.
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
    let preset = match matches.try_get_one::<String>("preprocess") {
        Ok(Some(name)) => Some(Layer::from_flags(preset(name))?),
        _ => None,
    };
    Ok(file
        .transpose()?
        .into_iter()
        .chain(preset)
        .chain([Layer::from_flags(flags)?])
        .collect())
}

/// Adds the flags that choose the weights of a trained network and its preprocessing: `--ema`, `--no-ema`, `--partial`,
/// `--ensemble`, `--preprocess`.
#[must_use]
pub fn with_loading(command: Command) -> Command {
    let switch = |name: &'static str, flag: &'static str, help: &'static str| {
        Arg::new(name)
            .long(flag)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    with_average(command)
        .arg(switch(
            "partial",
            "partial",
            "Load the tensors that fit and report the others, which keep their initial values",
        ))
        .arg(
            Arg::new("ensemble")
                .long("ensemble")
                .value_name("[MODEL=]PATH")
                .action(ArgAction::Append)
                .value_parser(value_parser!(EnsembleMember))
                .help("Another network; its outputs are averaged with the first's. May be repeated"),
        )
        .arg(
            Arg::new("preprocess")
                .long("preprocess")
                .value_parser(["mindcv", "timm", "paper"])
                .help("Prepare images as the original framework does: sets mean, std, interpolation, crop_pct and image_resize"),
        )
}

/// Adds `--ema` and `--no-ema`, which choose between the weights and their moving average.
#[must_use]
pub fn with_average(command: Command) -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).action(ArgAction::SetTrue).help(help)
    };
    command
        .arg(
            switch(
                "average",
                "Use the moving average of the weights (`ema.` in a .ckpt, state_dict_ema in a .pth); \
                 the default if a checkpoint has one",
            )
            .long("ema"),
        )
        .arg(
            switch(
                "no_average",
                "Use the trained weights, even if the checkpoint has a moving average",
            )
            .long("no-ema")
            .conflicts_with("average"),
        )
}

/// The weights that the flags of [`with_average`] choose.
#[must_use]
pub fn wanted(matches: &ArgMatches) -> Wanted {
    match (matches.get_flag("average"), matches.get_flag("no_average")) {
        (true, _) => Wanted::Average,
        (_, true) => Wanted::Weights,
        _ => Wanted::Usual,
    }
}

/// How to load a trained network, from the flags of [`with_loading`].
#[must_use]
pub fn loading(matches: &ArgMatches) -> LoadOptions {
    let members = matches.get_many::<EnsembleMember>("ensemble");
    LoadOptions {
        wanted: wanted(matches),
        partial: matches.get_flag("partial"),
        ensemble: members.into_iter().flatten().cloned().collect(),
    }
}

/// The keys that `--preprocess` sets.
fn preset(name: &str) -> [(&'static str, &'static str); 5] {
    // timm's tf_in1k weights and the authors' TF-slim code scale pixels to -1 to 1.
    const SYMMETRIC: &str = "[127.5, 127.5, 127.5]";
    let (mean, std, interpolation) = match name {
        "mindcv" => (
            "[123.675, 116.28, 103.53]",
            "[58.395, 57.12, 57.375]",
            "plain_bilinear",
        ),
        "timm" => (SYMMETRIC, SYMMETRIC, "bicubic"),
        _ => (SYMMETRIC, SYMMETRIC, "plain_bilinear"),
    };
    [
        ("mean", mean),
        ("std", std),
        ("interpolation", interpolation),
        ("crop_pct", "0.875"),
        ("image_resize", "299"),
    ]
}

/// Logs which keys were accepted but have no effect.
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
        with_loading(with_recipe(Command::new("validate"), |key| key.evaluation)).debug_assert();
    }

    #[test]
    fn a_preset_is_weaker_than_flags() {
        let command = with_recipe(Command::new("validate"), |key| key.evaluation);
        let arguments = "validate --preprocess timm --crop-pct 1";
        let matches = with_loading(command)
            .try_get_matches_from(arguments.split_whitespace())
            .unwrap();
        let layers = layers(&matches).unwrap();
        let recipe = Recipe::resolve(&Recipe::default(), &layers, Purpose::Evaluate)
            .unwrap()
            .recipe;
        assert_eq!(recipe.mean, [127.5; 3]);
        assert_eq!(recipe.image_resize.get(), 299);
        assert_eq!(recipe.crop_pct, 1.0);
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
    fn validation_has_every_key_except_those_of_training() {
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
