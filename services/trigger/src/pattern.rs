//! What a trigger compares attributes of events with. No I/O.

/// Types of events: words with dots between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypePattern {
    Exact(String),
    Words {
        /// Nothing where any word fits.
        words: Vec<Option<String>>,
        /// At least one word more follows.
        open: bool,
    },
}

impl TypePattern {
    /// `*` is any one word, a last `>` one or more.
    pub(crate) fn new(text: &str) -> Self {
        if !text.split('.').any(|word| matches!(word, "*" | ">")) {
            return Self::Exact(text.to_owned());
        }
        let (text, open) = match text.strip_suffix('>') {
            Some("") => return Self::Words { words: vec![], open: true },
            Some(rest) => (rest.trim_end_matches('.'), true),
            None => (text, false),
        };
        Self::Words { words: text.split('.').map(|word| (word != "*").then(|| word.to_owned())).collect(), open }
    }

    pub(crate) fn fits(&self, kind: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == kind,
            Self::Words { words, open } => {
                let mut of_kind = kind.split('.');
                let mut each = words.iter();
                let same = each.all(|word| match (word, of_kind.next()) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(word), Some(other)) => word == other,
                });
                same && of_kind.next().is_some() == *open
            }
        }
    }

    /// The type, if it fits just one.
    pub(crate) fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(exact) => Some(exact),
            Self::Words { .. } => None,
        }
    }
}

/// A text in which `*` stands for any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextPattern {
    first: String,
    /// What comes after each `*`; the last of it ends the text.
    rest: Vec<String>,
}

impl TextPattern {
    pub(crate) fn new(text: &str) -> Self {
        let mut pieces = text.split('*').map(str::to_owned);
        Self { first: pieces.next().unwrap_or_default(), rest: pieces.collect() }
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        let Some(mut text) = text.strip_prefix(self.first.as_str()) else { return false };
        let Some((last, between)) = self.rest.split_last() else { return text.is_empty() };
        // The first place where a piece fits leaves most for those after it.
        for piece in between {
            let Some(at) = text.find(piece.as_str()) else { return false };
            text = &text[at + piece.len()..];
        }
        text.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_fit_by_words() {
        for (pattern, kind, fits) in [
            ("order.created", "order.created", true),
            ("order.created", "order.created.late", false),
            ("order.*", "order.created", true),
            ("order.*", "order", false),
            ("order.*", "order.created.late", false),
            ("order.*", "orders.created", false),
            ("*.created", "order.created", true),
            ("*.created", "order.changed", false),
            ("order.*.late", "order.created.late", true),
            ("order.>", "order.created", true),
            ("order.>", "order.created.late", true),
            ("order.>", "order", false),
            ("order.*.>", "order.created", false),
            ("order.*.>", "order.created.late", true),
            (">", "anything.at.all", true),
        ] {
            assert_eq!(TypePattern::new(pattern).fits(kind), fits, "{pattern} and {kind}");
        }
    }

    #[test]
    fn texts_fit_by_what_stands_between_stars() {
        for (pattern, text, fits) in [
            ("/shop", "/shop", true),
            ("/shop", "/shop/1", false),
            ("/shop*", "/shop", true),
            ("/shop/*", "/shop/berlin/1", true),
            ("/shop/*", "/store/1", false),
            ("*/berlin", "/shop/berlin", true),
            ("*berlin*", "/shop/berlin/1", true),
            ("/shop/*/1", "/shop/1", false),
            ("a*a", "a", false),
            ("a*b*b", "ab", false),
            ("a*b*b", "abb", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(TextPattern::new(pattern).fits(text), fits, "`{pattern}` and `{text}`");
        }
    }
}
