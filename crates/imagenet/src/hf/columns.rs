//! The three columns of one parquet file, read through the parquet crate's column readers (no Arrow).
//!
//! Each call opens the file again: readers of one handle share its position, and threads must not.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use crate::error::SourceError;

/// A parquet file whose schema is the expected one.
pub(super) struct RowFile {
    pub(super) path: PathBuf,
    /// Rows of each row group.
    pub(super) groups: Vec<usize>,
    /// The `huggingface` entry of the file's metadata.
    pub(super) metadata: Option<String>,
    bytes_column: usize,
}

/// What a scan reads from every row.
pub(super) struct Rows {
    pub(super) labels: Vec<u32>,
    pub(super) paths: Vec<Option<String>>,
}

impl RowFile {
    /// Reads labels and paths, not the images.
    pub(super) fn scan(path: &Path) -> Result<(RowFile, Rows), SourceError> {
        let reader = open(path)?;
        let metadata = reader.metadata();
        let bytes_column = column(path, metadata, "image.bytes", &[Type::BYTE_ARRAY])?;
        let label_column = column(path, metadata, "label", &[Type::INT64, Type::INT32])?;
        let path_column = column(path, metadata, "image.path", &[Type::BYTE_ARRAY]).ok();

        let mut rows = Rows {
            labels: Vec::new(),
            paths: Vec::new(),
        };
        let mut groups = Vec::with_capacity(metadata.num_row_groups());
        for group in 0..metadata.num_row_groups() {
            let reader = reader
                .get_row_group(group)
                .map_err(|error| damaged(path, &error))?;
            let count = rows_of(path, reader.as_ref())?;
            for label in labels(reader.as_ref(), label_column, count)
                .map_err(|error| damaged(path, &error))?
            {
                let row = rows.labels.len();
                let label = label.ok_or_else(|| fail(path, format!("row {row} has no label")))?;
                let label = u32::try_from(label)
                    .map_err(|_| fail(path, format!("row {row} has label {label}")))?;
                rows.labels.push(label);
            }
            match path_column {
                Some(column) => {
                    let found = byte_arrays(reader.as_ref(), column, count)
                        .map_err(|error| damaged(path, &error))?;
                    rows.paths.extend(
                        found
                            .iter()
                            .map(|path| path.as_ref()?.as_utf8().ok().map(str::to_owned)),
                    );
                }
                None => rows.paths.resize(rows.labels.len(), None),
            }
            groups.push(count);
        }
        let metadata = metadata
            .file_metadata()
            .key_value_metadata()
            .and_then(|entries| entries.iter().find(|entry| entry.key == "huggingface"))
            .and_then(|entry| entry.value.clone());
        Ok((
            RowFile {
                path: path.to_path_buf(),
                groups,
                metadata,
                bytes_column,
            },
            rows,
        ))
    }

    /// The images of one row group; `None` for a row without one.
    pub(super) fn read_group(&self, group: usize) -> Result<Vec<Option<ByteArray>>, SourceError> {
        let reader = open(&self.path)?;
        let changed = || fail(&self.path, "changed while it was being read".to_owned());
        if group >= reader.metadata().num_row_groups() {
            return Err(changed());
        }
        let reader = reader
            .get_row_group(group)
            .map_err(|error| damaged(&self.path, &error))?;
        let count = rows_of(&self.path, reader.as_ref())?;
        if Some(&count) != self.groups.get(group) || self.bytes_column >= reader.num_columns() {
            return Err(changed());
        }
        byte_arrays(reader.as_ref(), self.bytes_column, count)
            .map_err(|error| damaged(&self.path, &error))
    }
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, SourceError> {
    let file = File::open(path).map_err(SourceError::io(path))?;
    SerializedFileReader::new(file).map_err(|error| damaged(path, &error))
}

/// The number of a column by its dotted path.
fn column(
    path: &Path,
    metadata: &ParquetMetaData,
    name: &str,
    types: &[Type],
) -> Result<usize, SourceError> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let position = columns.iter().position(|column| {
        column.path().string() == name
            && types.contains(&column.physical_type())
            && column.max_rep_level() == 0
    });
    position.ok_or_else(|| {
        let have: Vec<String> = columns.iter().map(|column| column.path().string()).collect();
        fail(
            path,
            format!(
                "has no column {name} of type {types:?}; expected image {{bytes, path}} and label, found {}",
                have.join(", ")
            ),
        )
    })
}

fn rows_of(path: &Path, group: &dyn RowGroupReader) -> Result<usize, SourceError> {
    let rows = group.metadata().num_rows();
    usize::try_from(rows).map_err(|_| fail(path, format!("a row group of {rows} rows")))
}

fn labels(
    group: &dyn RowGroupReader,
    column: usize,
    count: usize,
) -> Result<Vec<Option<i64>>, ParquetError> {
    match group.get_column_reader(column)? {
        ColumnReader::Int64ColumnReader(reader) => values(group, column, reader, count),
        ColumnReader::Int32ColumnReader(reader) => {
            let values = values(group, column, reader, count)?;
            Ok(values
                .into_iter()
                .map(|value| value.map(i64::from))
                .collect())
        }
        _ => Err(ParquetError::General("labels are not integers".to_owned())),
    }
}

fn byte_arrays(
    group: &dyn RowGroupReader,
    column: usize,
    count: usize,
) -> Result<Vec<Option<ByteArray>>, ParquetError> {
    match group.get_column_reader(column)? {
        ColumnReader::ByteArrayColumnReader(reader) => values(group, column, reader, count),
        _ => Err(ParquetError::General(
            "a column of bytes is of another type".to_owned(),
        )),
    }
}

/// All `count` values of a column chunk, nulls as `None`.
fn values<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    mut reader: ColumnReaderImpl<T>,
    count: usize,
) -> Result<Vec<Option<T::T>>, ParquetError> {
    let present = group
        .metadata()
        .schema_descr()
        .column(column)
        .max_def_level();
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (records, _, _) = reader.read_records(count, Some(&mut levels), None, &mut values)?;
    if records != count {
        return Err(ParquetError::General(format!(
            "column {column} has {records} of {count} rows"
        )));
    }
    if present == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels
        .into_iter()
        .map(|level| {
            if level == present {
                values.next()
            } else {
                None
            }
        })
        .collect())
}

fn damaged(path: &Path, error: &ParquetError) -> SourceError {
    fail(
        path,
        format!("not a parquet file, or damaged: {error}; download it again"),
    )
}

fn fail(path: &Path, reason: String) -> SourceError {
    SourceError::Parquet {
        path: path.to_path_buf(),
        reason,
    }
}
