//! What a bare word may name: the steps of a definition, what they call their outputs, and what loops call their items.

use std::collections::BTreeSet;

use super::{
    syntax::{Block, Entry, Head, Style, Value},
    within::Within,
};

#[derive(Default)]
pub(super) struct Names {
    pub(super) steps: BTreeSet<String>,
    /// What `as` and `context_key` say.
    pub(super) outputs: BTreeSet<String>,
    pub(super) items: BTreeSet<String>,
}

impl Names {
    pub(super) fn of(body: &Block) -> Self {
        let mut names = Self::default();
        names.gather(body, Within::Workflow);
        names
    }

    fn gather(&mut self, block: &Block, within: Within) {
        for entry in &block.entries {
            let is_group = is_parallel(entry) && within == Within::Steps;
            if matches!(within, Within::Steps | Within::Race) && !is_group {
                self.steps.insert(entry.key.text.clone());
            }
            let text = bare_or_quoted(&entry.value).filter(|_| !entry.key.quoted);
            match (within, entry.key.text.as_str(), text) {
                (Within::Step, "as" | "context_key", Some(text)) => drop(self.outputs.insert(text.to_owned())),
                (Within::ForEach, "as", Some(text)) => drop(self.items.insert(text.to_owned())),
                _ => {}
            }
            let inside = if is_group { within } else { within.of(&entry.key.text) };
            self.value(&entry.value, inside);
        }
    }

    fn value(&mut self, value: &Value, within: Within) {
        // Data hold no steps.
        if matches!(within, Within::Data | Within::Raw | Within::Literal | Within::Computed | Within::Condition) {
            return;
        }
        if let Some(Head::List(list)) = &value.head {
            for item in &list.items {
                self.value(&item.value, within);
            }
        }
        if let Some(block) = &value.block {
            self.gather(block, within);
        }
    }
}

/// `parallel { … }` among steps: those in it begin at once.
pub(super) fn is_parallel(entry: &Entry) -> bool {
    entry.key.text == "parallel" && !entry.key.quoted
}

fn bare_or_quoted(value: &Value) -> Option<&str> {
    match &value.head {
        Some(Head::Scalar(scalar)) if matches!(scalar.style, Style::Bare | Style::Quoted(_)) => Some(&scalar.value),
        _ => None,
    }
}
