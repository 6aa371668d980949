//! `shard verify`: lists every fault of a data set.

use std::io::{Write, stdout};
use std::time::Instant;

use anyhow::Result;
use builder::{Verified, VerifyOptions};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::watch::Watch;
use crate::{Exit, text};

#[derive(Serialize)]
struct Verdict {
    #[serde(flatten)]
    verified: Verified,
    seconds: f64,
}

pub(crate) fn run(args: &VerifyArgs, quiet: bool) -> Result<Exit> {
    let started = Instant::now();
    let watch = Watch::new(quiet);
    let options = VerifyOptions {
        decode: args.decode,
        threads: args.threads,
    };
    let verified = builder::verify(&args.dataset, &options, &|event| watch.show(event))?;
    let verdict = Verdict {
        verified,
        seconds: started.elapsed().as_secs_f64(),
    };
    let printed = verdict.print(args.json, quiet);
    // The exit code tells the verdict, even if nobody reads on.
    match verdict.verified.faults.is_empty() {
        true => printed.map(|()| Exit::Ok),
        false => Ok(Exit::Failed),
    }
}

impl Verdict {
    fn print(&self, json: bool, quiet: bool) -> Result<()> {
        let mut out = stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
            return Ok(());
        }
        let faults = &self.verified.faults;
        for fault in faults {
            let (file, problem) = (&fault.file, &fault.problem);
            // A record's own errors name path, record and key already.
            match (fault.record, &fault.key) {
                (Some(record), Some(key)) if !problem.contains(key.as_str()) => {
                    writeln!(out, "{file}: record {record} ({key}): {problem}")?;
                }
                _ if problem.contains(file.as_str()) => writeln!(out, "{problem}")?,
                _ => writeln!(out, "{file}: {problem}")?,
            }
        }
        if !quiet || !faults.is_empty() {
            writeln!(out, "{}", self.line())?;
        }
        Ok(())
    }

    fn line(&self) -> String {
        let verified = &self.verified;
        let what = match verified.decoded {
            true => "every hash checked, every image decoded",
            false => "every hash checked",
        };
        let verdict = match verified.faults.len() as u64 {
            0 => "OK".to_owned(),
            n => text::count(n, "fault"),
        };
        let known = match verified.known_damaged {
            0 => String::new(),
            n => format!(
                " ({} known to be damaged, and kept at build)",
                text::count(n, "image")
            ),
        };
        format!(
            "{}: {verdict}: {}, {} in {}, {what}{known}, {}",
            verified.dataset,
            text::count(verified.records, "record"),
            text::bytes(verified.bytes),
            text::count(verified.shards, "shard"),
            text::seconds(self.seconds)
        )
    }
}
