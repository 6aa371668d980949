//! The official ILSVRC2012 tars: a tar of class tars (train) and a flat tar of images (val).

use std::ffi::OsStr;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use crate::archive::{Member, Span, TarFile};
use crate::error::SourceError;
use crate::progress::Hook;
use crate::scan::{ClassScan, FoundFile, NameKind, name_kind};
use crate::source::Ignored;

/// What a tar holds, decided by its first class tar or image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TarKind {
    /// Class tars, as in `ILSVRC2012_img_train.tar`.
    ClassTars,
    /// Images, as in `ILSVRC2012_img_val.tar`.
    Images,
    /// Neither.
    Other,
}

impl fmt::Display for TarKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TarKind::ClassTars => "a tar of class tars; expected a tar of validation images",
            TarKind::Images => "a tar of images; expected a tar of class tars",
            TarKind::Other => "a tar with neither class tars nor images",
        })
    }
}

pub(crate) fn kind(tar: &TarFile) -> Result<TarKind, SourceError> {
    let mut kind = TarKind::Other;
    tar.visit(&tar.whole(), |member| {
        if let Member::File { name, .. } = &member {
            if class_of_tar(name).is_some() {
                kind = TarKind::ClassTars;
            } else if name_kind(file_name(name)) == NameKind::Image {
                kind = TarKind::Images;
            }
        }
        if kind == TarKind::Other {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    Ok(kind)
}

/// The images of a tar of class tars: class = name of the inner tar, key = `<class>/<file>`.
pub(crate) fn scan_class_tars(
    tar: &TarFile,
    split: &'static str,
    hook: &mut Hook<'_>,
    ignored: &mut Vec<Ignored>,
) -> Result<ClassScan, SourceError> {
    // All outer headers come first: they show within a second whether the file is complete.
    let mut class_tars = Vec::new();
    let mut misnamed = None;
    tar.visit(&tar.whole(), |member| {
        match member {
            Member::File {
                name,
                misnamed: unnamed,
                offset,
                size,
            } => match class_of_tar(&name) {
                Some(_) if unnamed => {
                    misnamed = Some(name);
                    return ControlFlow::Break(());
                }
                Some(class) => {
                    class_tars.push((class.to_owned(), Span::of_member(&name, offset, size)));
                }
                None => ignored.push(ignore(&tar.path, &name, "not the .tar of a class")),
            },
            Member::Unusable { name, reason } => ignored.push(ignore(&tar.path, &name, reason)),
        }
        ControlFlow::Continue(())
    })?;
    if let Some(name) = misnamed {
        return Err(not_utf8(tar, &name));
    }
    let mut scan = ClassScan::default();
    let total = class_tars.len();
    for (done, (class, span)) in class_tars.into_iter().enumerate() {
        let class_number = scan.add_class(&class);
        let files = &mut scan.files;
        visit_images(tar, &span, ignored, |image| {
            files.push(FoundFile {
                key: format!("{class}/{}", image.key),
                class: class_number,
                ..image
            });
        })?;
        hook.report(split, scan.files.len(), done + 1, total);
    }
    Ok(scan)
}

/// The images of a flat tar: key = file name, class not known yet.
pub(crate) fn scan_flat_tar(
    tar: &TarFile,
    split: &'static str,
    hook: &mut Hook<'_>,
    ignored: &mut Vec<Ignored>,
) -> Result<Vec<FoundFile>, SourceError> {
    let mut files = Vec::new();
    visit_images(tar, &tar.whole(), ignored, |image| {
        let offset = image.offset;
        files.push(image);
        if files.len().is_multiple_of(1000) {
            hook.report(
                split,
                files.len(),
                usize::try_from(offset >> 9).unwrap_or(0),
                tar.blocks(),
            );
        }
    })?;
    // Labels are matched by the order of the names, so no image can be left out.
    if let Some(image) = files.iter().find(|image| image.misnamed) {
        return Err(not_utf8(tar, &image.key));
    }
    hook.report(split, files.len(), 1, 1);
    Ok(files)
}

/// Calls `image` for each; its key is its name, its class not known.
fn visit_images(
    tar: &TarFile,
    span: &Span,
    ignored: &mut Vec<Ignored>,
    mut image: impl FnMut(FoundFile),
) -> Result<(), SourceError> {
    tar.visit(span, |member| {
        match member {
            Member::File {
                name,
                misnamed,
                offset,
                size,
            } => match name_kind(file_name(&name)) {
                NameKind::Image => image(FoundFile {
                    key: file_name(&name).to_owned(),
                    misnamed,
                    class: 0,
                    offset,
                    size,
                }),
                NameKind::Other(reason) => ignored.push(ignore(&tar.path, &name, reason)),
            },
            Member::Unusable { name, reason } => ignored.push(ignore(&tar.path, &name, reason)),
        }
        ControlFlow::Continue(())
    })
}

fn ignore(tar: &Path, name: &str, reason: &str) -> Ignored {
    Ignored {
        path: format!("{}: {name}", tar.display()).into(),
        reason: reason.to_owned(),
    }
}

fn not_utf8(tar: &TarFile, name: &str) -> SourceError {
    SourceError::NameNotUtf8 {
        path: format!("{}: {name}", tar.path.display()).into(),
    }
}

fn file_name(member: &str) -> &str {
    member.rsplit('/').next().unwrap_or(member)
}

/// `n01440764` for `n01440764.tar`, also below folders.
fn class_of_tar(member: &str) -> Option<&str> {
    let name = Path::new(file_name(member));
    let is_tar = name
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("tar"));
    name.file_stem()
        .and_then(OsStr::to_str)
        .filter(|stem| is_tar && !stem.starts_with('.'))
}
