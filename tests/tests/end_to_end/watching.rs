//! What a person sees: the report page in a real browser, and the bar on a terminal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, binary};
use crate::training::{train_args, training_sandbox};

/// The command that starts Chromium, if it is installed.
fn chromium() -> Option<&'static str> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let is_there = |name: &&str| {
        let mut command = Command::new(name);
        let command = command.arg("--version").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = names.into_iter().find(is_there);
    if found.is_none() {
        test_report::skip("Chromium is not installed (Debian: apt-get install chromium)");
    }
    found
}

/// Opens a file of the test in Chromium without a window, with one more argument.
fn browse(sandbox: &Sandbox, chromium: &str, file: &str, argument: &str) -> Ran {
    let mut command = Command::new(chromium);
    command.args(["--headless", "--no-sandbox", "--disable-gpu"]);
    command.args(["--hide-scrollbars", "--virtual-time-budget=3000"]);
    command.arg("--window-size=1250,2300");
    // The user's profile is not used, and no host name resolves: the page must need neither.
    command.arg(format!(
        "--user-data-dir={}",
        sandbox.path("profile").display()
    ));
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND");
    command.arg(argument);
    command.arg(format!("file://{}", sandbox.path(file).display()));
    Ran::from(command.output().unwrap())
}

/// Collects all errors from the beginning.
const LISTEN: &str =
    "<script>const faults = []; addEventListener('error', (e) => faults.push(e.message));</script>";

/// Points at the middle of each plot, and reports the layout of the page.
const PROBE: &str = "<script>
const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
const boxes = (nodes) => [...nodes].map((node) => node.getBoundingClientRect());
const plots = [...document.querySelectorAll('figure')].map((figure) => {
  const svg = figure.querySelector('svg'), frame = svg.getBoundingClientRect();
  const texts = boxes(svg.querySelectorAll('text'));
  const at = { clientX: frame.left + frame.width * 0.5, clientY: frame.top + 50 };
  svg.dispatchEvent(new PointerEvent('pointermove', at));
  const output = figure.querySelector('output');
  return {
    title: figure.querySelector('figcaption').firstChild.textContent.trim(),
    keys: figure.querySelectorAll('.key').length,
    resumed: svg.querySelectorAll('.resumed').length,
    lines: [...svg.querySelectorAll('polyline')].filter((line) => line.getTotalLength() > 20).length,
    texts: texts.length,
    drawn_inside: boxes(svg.querySelectorAll('text, polyline, polygon, circle')).every((box) => inside(box, frame)),
    texts_apart: texts.every((a, i) => texts.every((b, j) => i === j || apart(a, b))),
    shown: output.textContent, visible: getComputedStyle(output).visibility,
  };
});
const probe = document.createElement('pre');
probe.id = 'probe';
probe.textContent = JSON.stringify({
  faults, plots, width: innerWidth, needed: document.documentElement.scrollWidth,
  facts: [...document.querySelectorAll('dl div')].map((fact) => fact.textContent),
});
document.body.append(probe);
</script>";

/// What `PROBE` reports about a page.
fn probe(sandbox: &Sandbox, chromium: &str, page: &str) -> Value {
    let page = page
        .replace("<style>", &format!("{LISTEN}<style>"))
        .replace("</body>", &format!("{PROBE}</body>"));
    fs::write(sandbox.path("probed.html"), page).unwrap();
    let dom = browse(sandbox, chromium, "probed.html", "--dump-dom").ends_with(0);
    let found = dom.stdout.split_once("<pre id=\"probe\">");
    let Some((json, _)) = found.and_then(|(_, rest)| rest.split_once("</pre>")) else {
        panic!("the probe has not run: {dom}");
    };
    let json = json.replace("&lt;", "<").replace("&gt;", ">");
    serde_json::from_str(&json.replace("&amp;", "&")).unwrap()
}

/// A run with everything that the page can show: resumed, averaged, validated, with a loss scale that is too large at
/// first, and a batch whose loss is NaN.
fn eventful_run(sandbox: &Sandbox) -> PathBuf {
    let more = "--opt adamw --ema --loss-scale 1e38 --loss-scale-type dynamic --val-interval 2";
    for epochs in ["--epoch-size 3", "--epoch-size 6 --resume"] {
        let args = train_args("run", &format!("{more} {epochs}"));
        sandbox.run("train", &args).ends_with(0);
    }
    let log = sandbox.path("run/metrics.jsonl");
    let mut lines: Vec<Value> = fs::read_to_string(&log)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let steps = || lines.iter().filter(|line| line["kind"] == "train");
    assert!(steps().any(|line| line["gradient_norm"].is_null()));
    let skipped = lines.iter_mut().find(|line| line["step"] == 27).unwrap();
    (skipped["loss"], skipped["gradient_norm"]) = (Value::Null, Value::Null);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&log, text).unwrap();
    sandbox.run("train", "report run").ends_with(0);
    sandbox.path("run/report.html")
}

#[test]
fn the_report_is_laid_out_correctly_in_a_browser() {
    let Some(chromium) = chromium() else { return };
    let sandbox = training_sandbox(14, 2);
    let page = fs::read_to_string(eventful_run(&sandbox)).unwrap();
    let found = probe(&sandbox, chromium, &page);
    assert_eq!(found["faults"].as_array().unwrap().len(), 0, "{found}");
    assert!(
        found["needed"].as_u64() <= found["width"].as_u64(),
        "{found}"
    );
    let facts = found["facts"].to_string();
    for fact in [
        "Steps60 of 60",
        "Epoch6 of 6",
        "Best top-1",
        "Steps without an update",
        "Parameters",
    ] {
        assert!(facts.contains(fact), "no '{fact}' in {facts}");
    }
    let expected = [
        ("Loss", 2, "training: "),
        ("Accuracy", 3, "top-5, validation: "),
        ("Learning rate", 1, "lr: "),
        ("Gradient norm", 1, "norm, before clipping: "),
        ("Throughput", 2, "training: "),
        ("Data wait", 1, "share of a step's time: "),
    ];
    let plots = found["plots"].as_array().unwrap();
    assert_eq!(plots.len(), expected.len());
    for (plot, (title, lines, shown)) in plots.iter().zip(expected) {
        assert_eq!(plot["title"], title);
        assert_eq!(plot["keys"], lines, "{plot}");
        assert_eq!(plot["lines"], lines, "{plot}");
        assert_eq!(plot["resumed"], 1, "{plot}");
        assert!(plot["texts"].as_u64().unwrap() >= 8, "{plot}");
        for holds in ["drawn_inside", "texts_apart"] {
            assert_eq!(plot[holds], true, "{holds}: {plot}");
        }
        assert!(plot["shown"].as_str().unwrap().contains(shown), "{plot}");
        assert_eq!(plot["visible"], "visible", "{plot}");
    }

    // The probe also sees faults.
    let broken = page.replace("const figure of", "const figure of nobody,");
    assert_ne!(broken, page);
    let found = probe(&sandbox, chromium, &broken);
    assert_ne!(found["faults"].as_array().unwrap().len(), 0, "{found}");
    assert_eq!(found["plots"][0]["shown"], "");
}

#[test]
fn the_report_is_drawn_in_the_colours_of_its_plots() {
    let Some(chromium) = chromium() else { return };
    let sandbox = training_sandbox(14, 2);
    eventful_run(&sandbox);
    let picture = sandbox.path("page.png");
    let argument = format!("--screenshot={}", picture.display());
    browse(&sandbox, chromium, "run/report.html", &argument).ends_with(0);
    let colours = colours(&picture);
    // The series have these colours in the light and in the dark scheme.
    for pair in [
        ["2563eb", "74a5ff"],
        ["d9480f", "ff9a62"],
        ["2b8a3e", "69c97d"],
    ] {
        let pixels = |colour: &str| colours.get(colour).copied().unwrap_or(0);
        let drawn: usize = pair.into_iter().map(pixels).sum();
        assert!(drawn > 50, "{drawn} pixels of {pair:?}");
    }
}

/// The number of pixels of each colour, in hexadecimal.
fn colours(path: &Path) -> std::collections::HashMap<String, usize> {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let mut counts = std::collections::HashMap::new();
    for pixel in pixels.chunks_exact(info.color_type.samples()) {
        let colour = format!("{:02x}{:02x}{:02x}", pixel[0], pixel[1], pixel[2]);
        *counts.entry(colour).or_default() += 1;
    }
    counts
}

/// Runs a program on a terminal, if `script` is installed, which makes one.
fn on_a_terminal(sandbox: &Sandbox, program: &str, args: &str) -> Option<Ran> {
    let command = format!("stty cols 100; {} {args}", binary(program).display());
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    script.current_dir(sandbox.path("."));
    script.env("TERM", "xterm").stdin(Stdio::null());
    let ran = script.output().ok().map(Ran::from);
    if ran.is_none() {
        test_report::skip(
            "`script`, which makes a terminal, is not installed (Debian: apt-get install bsdutils)",
        );
    }
    ran
}

#[test]
fn a_bar_is_shown_only_on_a_terminal() {
    let sandbox = training_sandbox(8, 40);
    let args = train_args("run", "");
    let Some(ran) = on_a_terminal(&sandbox, "train", &args) else {
        return;
    };
    ran.ends_with(0).says(&[
        "epoch 2/2 [",
        "data wait",
        "validation [",
        "/120",
        "img/s",
        "Finish training!",
    ]);
    let args = "--ckpt-path run/inception_v4-2_6";
    let ran = on_a_terminal(&sandbox, "validate", args).unwrap();
    let ran = ran.ends_with(0).says(&[
        "validation [",
        "/120  ETA ",
        "top-1 ",
        " img/s",
        "Validation Top_1_Accuracy",
    ]);
    // The result is the last line, and it is complete.
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.contains("120 images, "), "{last:?}");

    let piped = sandbox.run("validate", args).ends_with(0);
    assert!(
        piped.stdout.starts_with("Validation Top_1_Accuracy"),
        "{piped}"
    );
    assert!(!piped.stderr.contains("validation ["), "{piped}");
    // With several crops of each image there is a bar too.
    let crops = format!("{args} --crops 10");
    let ran = on_a_terminal(&sandbox, "validate", &crops).unwrap();
    ran.ends_with(0).says(&["validation [", "/120  ETA "]);
}
