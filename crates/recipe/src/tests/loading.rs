//! What the input pipeline alone accepts of a recipe, and what it refuses as a training would.

use super::*;

fn load(text: &str) -> Result<Resolved, String> {
    let layer = Layer::from_yaml(text, Path::new("a.yaml")).map_err(|error| error.to_string())?;
    Recipe::resolve(&Recipe::default(), &[layer], Purpose::Load).map_err(|error| error.to_string())
}

#[test]
fn mindcvs_recipe_loads_images_as_it_is() {
    let loading = load(MINDCV).unwrap().recipe;
    let fixed = [yaml(MINDCV), flags(&FIXES)];
    let training = recipe(&fixed);
    let settings = |recipe: &Recipe| format!("{:?}", recipe.training_config().unwrap());
    assert_eq!(settings(&loading), settings(&training));
    let notes = load("distribute: true\nmodel: resnet50\nopt: adan\n")
        .unwrap()
        .notes;
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes[0].contains("distribute: true does not matter to loading"));
}

#[test]
fn small_images_are_the_networks_business() {
    assert_eq!(
        load("image_resize: 40").unwrap().recipe.image_resize.get(),
        40
    );
    assert!(resolve(&[yaml("image_resize: 40")]).is_err());
}

#[test]
fn typing_errors_are_refused_in_the_words_of_a_training() {
    for text in [
        "batchsize: 32",
        "auto_augmnt: autoaug\nseeed: 1",
        "batch_size: many",
        "lr: fast\nhflip: often",
        "auto_augment: randag",
        "scale: [1.0, 0.5]\nhflip: 2",
        "- 1",
    ] {
        let training = Layer::from_yaml(text, Path::new("a.yaml"))
            .and_then(|layer| resolve(&[layer]))
            .unwrap_err()
            .to_string();
        assert_eq!(load(text).unwrap_err(), training);
    }
    assert_eq!(
        load("interpolation: area").unwrap_err(),
        "the recipe has unsupported options:\n  interpolation: area is not available; write bilinear \
         or bicubic or nearest or plain_bilinear (a.yaml:1)"
    );
}

#[test]
fn values_may_be_missing() {
    assert_eq!(
        load("color_jitter: none").unwrap().recipe.color_jitter,
        None
    );
    assert_eq!(
        load("mixup: None\nmean:\n").unwrap().recipe,
        Recipe::default()
    );
}
