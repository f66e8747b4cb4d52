//! Lines for a terminal whose colours somebody else chooses.

use sagaline_events::record::StepStatus;

/// What a piece of a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Plain,
    /// Lines between boxes, and what matters less.
    Quiet,
    Strong,
    /// In the colour of a status.
    Of(StepStatus),
}

/// A line, in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<(Ink, String)>);

impl Line {
    pub(crate) fn push(&mut self, ink: Ink, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.0.push((ink, text));
        }
    }

    /// Without any colour.
    pub fn plain(&self) -> String {
        let text: String = self.0.iter().map(|(_, text)| text.as_str()).collect();
        text.trim_end().to_owned()
    }

    pub(crate) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// The same, of at most so many characters.
    pub(crate) fn cut(mut self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut left = width.saturating_sub(1);
        for (_, text) in &mut self.0 {
            let has = text.chars().count();
            if left < has {
                *text = text.chars().take(left).collect();
            }
            left = left.saturating_sub(has);
        }
        self.0.retain(|(_, text)| !text.is_empty());
        self.0.push((Ink::Quiet, "…".to_owned()));
        self
    }
}
