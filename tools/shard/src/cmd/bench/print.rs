//! A benchmark as people read it: a heading, each run, and what it comes to. It computes nothing.

use std::collections::BTreeMap;
use std::io::{Write, stdout};

use anyhow::Result;
use loader::{Decode, Stage};

use super::measurement::{Run, Summary, TARGET};
use super::report::Report;
use crate::args::OutputKind;
use crate::text;

impl Report {
    /// What is measured, and where.
    pub(super) fn print_heading(&self) -> Result<()> {
        let mut out = stdout().lock();
        let cores = text::count(self.machine.cores as u64, "core");
        writeln!(out, "{}, {cores}", self.machine.cpu)?;
        for set in &self.sets {
            writeln!(
                out,
                "{} {}: {}, {}, {} per image, stored as {}",
                set.dataset.display(),
                set.split,
                text::count(set.records, "image"),
                text::bytes(set.bytes),
                text::bytes(set.bytes / set.records.max(1)),
                set.name,
            )?;
        }
        let pipeline = &self.pipeline;
        writeln!(
            out,
            "{}; {} decoding; output {}, {} px, batches of {}, slots of {}{}",
            pipeline.transform,
            match pipeline.decode {
                Decode::Fast => "fast",
                Decode::Exact => "exact",
            },
            match pipeline.output {
                OutputKind::U8 => "u8",
                OutputKind::F32 => "f32",
            },
            pipeline.size,
            pipeline.batch,
            text::bytes(pipeline.slot_bytes),
            if pipeline.cold {
                "; page cache dropped"
            } else {
                ""
            },
        )?;
        Ok(())
    }

    /// What all runs come to.
    pub(super) fn print_conclusion(&self) -> Result<()> {
        let mut out = stdout().lock();
        if self.runs.len() > self.results.len() {
            writeln!(out, "\nmedians of all rounds:")?;
            for summary in &self.results {
                writeln!(out)?;
                summary.print_line(&mut out)?;
                print_stages(&mut out, &summary.stages_us)?;
            }
        } else if self.sets.len() > 1 {
            writeln!(out)?;
            for summary in &self.results {
                summary.print_line(&mut out)?;
            }
        }
        if let Some(peak) = self.peak_resident_bytes {
            writeln!(
                out,
                "\npeak memory {}: {} mapped shards, {} slots, the rest is the program",
                text::bytes(peak),
                text::bytes(self.mapped_bytes.min(peak)),
                text::bytes(self.pipeline.slot_bytes),
            )?;
        }
        if let Some(best) = &self.best {
            writeln!(
                out,
                "\nbest: {:.0} img/s with {}, {:.0} % of the target of {TARGET} img/s (eight Ascend 910* cards);\n{}",
                best.img_per_s,
                text::count(best.threads as u64, "thread"),
                best.share_of_target * 100.0,
                enough(best.cores_for_target),
            )?;
        }
        Ok(())
    }
}

impl Run {
    pub(super) fn print(&self) -> Result<()> {
        let mut out = stdout().lock();
        let disk = self.disk_mb_per_s.filter(|rate| *rate >= 0.05);
        writeln!(
            out,
            "\n{}, {}: {:.0} img/s, {:.0} img/s per busy core, CPU {:.0} %, {:.1} MB/s of records{}",
            self.set,
            text::count(self.threads as u64, "thread"),
            self.img_per_s,
            self.img_per_s_per_core,
            self.cpu_percent,
            self.mb_per_s,
            disk.map_or_else(String::new, |rate| format!(", {rate:.1} MB/s from disk")),
        )?;
        print_stages(&mut out, &self.stages_us)?;
        if self.decode_warnings > 0 {
            let images = text::count(self.decode_warnings, "image");
            writeln!(out, "  {images} decoded with a warning (truncated data)")?;
        }
        Ok(())
    }
}

impl Summary {
    fn print_line(&self, out: &mut impl Write) -> Result<()> {
        let [least, most] = self.range;
        writeln!(
            out,
            "{}, {}: {:.0} img/s ({least:.0}-{most:.0}), {:.0} per busy core, {} per image",
            self.set,
            text::count(self.threads as u64, "thread"),
            self.img_per_s,
            self.img_per_s_per_core,
            text::bytes(self.bytes_per_image),
        )?;
        Ok(())
    }
}

/// How many cores reach the target.
fn enough(cores: f64) -> String {
    match format!("{cores:.1}") {
        few if cores < 0.95 => format!("{few} of a core like these is enough for it"),
        one if one == "1.0" => "1 core like these is enough for it".to_owned(),
        many => format!("{many} cores like these are enough for it"),
    }
}

fn print_stages(out: &mut impl Write, stages: &BTreeMap<&'static str, f64>) -> Result<()> {
    let total: f64 = stages.values().sum();
    for stage in Stage::ALL {
        let us = stages.get(stage.name()).copied().unwrap_or_default();
        let bar = text::bar(us as u64, total as u64, 32);
        writeln!(out, "  {:<14} {us:>8.1} us  {bar}", stage.name())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_counted_in_words() {
        assert_eq!(enough(0.8), "0.8 of a core like these is enough for it");
        assert_eq!(enough(0.97), "1 core like these is enough for it");
        assert_eq!(enough(2.34), "2.3 cores like these are enough for it");
    }
}
