//! What methods of the builder take: names, durations, and words of the language.

use std::time::Duration;

use sagaline_model::Span;

/// A length of time: `"30s"`, a [`Duration`], or an expression that gives one, `"${ workflow.input.patience }"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Length(String);

impl Length {
    pub(super) fn text(self) -> String {
        self.0
    }
}

impl From<Duration> for Length {
    fn from(duration: Duration) -> Self {
        Self(Span::from(duration).to_string())
    }
}

impl From<&str> for Length {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Length {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A name, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(pub(super) Vec<String>);

impl From<&str> for Names {
    fn from(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }
}

impl From<String> for Names {
    fn from(name: String) -> Self {
        Self(vec![name])
    }
}

impl<N: Into<String>, const COUNT: usize> From<[N; COUNT]> for Names {
    fn from(names: [N; COUNT]) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl<N: Into<String>> From<Vec<N>> for Names {
    fn from(names: Vec<N>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}
