//! Columns that line up, with or without colour.

use std::io;

use crate::output::{Output, Tone};

/// Rows under a heading; the last column is not padded.
pub(crate) struct Table {
    rows: Vec<Vec<(Tone, String)>>,
}

impl Table {
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|word| (Tone::Quiet, (*word).to_owned())).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<(Tone, String)>) {
        self.rows.push(cells);
    }

    /// Shows it to people. Who asked for JSON has had that.
    pub(crate) fn show(&self, output: &Output) -> io::Result<()> {
        if output.is_json() {
            return Ok(());
        }
        self.lines(output).iter().try_for_each(|line| output.line(line))
    }

    pub(crate) fn lines(&self, output: &Output) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|(_, text)| text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        self.rows.iter().map(|row| line(row, &widths, output)).collect()
    }
}

fn line(row: &[(Tone, String)], widths: &[usize], output: &Output) -> String {
    let mut line = String::new();
    for (column, (tone, text)) in row.iter().enumerate() {
        line.push_str(&output.paint(*tone, text));
        if column + 1 < row.len() {
            let width = widths[column] - text.chars().count();
            line.push_str(&" ".repeat(width + 2));
        }
    }
    line.truncate(line.trim_end().len());
    line
}
