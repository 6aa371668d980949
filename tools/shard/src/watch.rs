//! Shows the events of the library: a progress bar for each pass, a line for what was removed.

use std::sync::{PoisonError, RwLock};

use builder::{Event, Pass};

use crate::progress::Progress;
use crate::text;
use crate::text::complain;

/// What is shown of one command.
pub(crate) struct Watch {
    quiet: bool,
    pass: RwLock<Option<Progress>>,
}

impl Watch {
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            pass: RwLock::default(),
        }
    }

    /// Shows an event. Called from any thread.
    pub(crate) fn show(&self, event: Event<'_>) {
        match event {
            Event::Begin { pass, images } => self.begin(pass, images),
            Event::Done { images, bytes } => {
                let pass = self.pass.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(progress) = &*pass {
                    progress.add(images, bytes);
                }
            }
            Event::End => {
                let mut pass = self.pass.write().unwrap_or_else(PoisonError::into_inner);
                if let Some(progress) = pass.take() {
                    progress.finish();
                }
            }
            Event::Removed { path, why } => {
                let (path, why) = (path.display().to_string(), why.to_string());
                let about = match why.contains(&path) {
                    true => why,
                    false => format!("{path}: {why}"),
                };
                self.say(&format!("{about}; removed, its images are packed again"));
            }
            Event::Cleaned { files } => {
                let files = text::count(files as u64, "temporary file");
                self.say(&format!("{files} of an interrupted build removed"));
            }
            _ => {}
        }
    }

    fn begin(&self, pass: Pass, images: u64) {
        let progress = Progress::new(pass.as_str(), images, self.quiet);
        *self.pass.write().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn say(&self, line: &str) {
        let pass = self.pass.read().unwrap_or_else(PoisonError::into_inner);
        match &*pass {
            Some(progress) => progress.say(line),
            None if self.quiet => {}
            None => complain(line),
        }
    }
}
