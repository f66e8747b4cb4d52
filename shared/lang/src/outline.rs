//! What the checks across steps go by: every step with its place and its order, and every expression that reads something.
//!
//! Filled while a definition is read; checked (`order`, `references`) once all names are known.

use std::{collections::BTreeMap, rc::Rc};

use crate::{source::Place, tree::Node};

#[derive(Default)]
pub(crate) struct Outline {
    pub(crate) steps: Vec<Listed>,
    pub(crate) uses: Vec<Use>,
    by_name: BTreeMap<String, usize>,
    levels: usize,
}

/// A step, whether or not its name may be one.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// The step whose `steps` it stands in.
    pub(crate) parent: Option<usize>,
    /// Which map of steps it stands in.
    pub(crate) level: usize,
    pub(crate) after: Vec<(String, Place)>,
}

/// An expression and what it reads.
pub(crate) struct Use {
    /// The text of the file that holds it.
    pub(crate) node: Rc<Node>,
    /// Where it starts in that text, in bytes.
    pub(crate) offset: usize,
    pub(crate) expression: String,
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) scope: Scope,
}

/// Where an expression stands, which decides what it may read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In a trigger: nothing runs yet.
    Trigger,
    /// In a step, by its index in the outline.
    Step(usize),
    /// A backoff of a step, or of all steps.
    Backoff(Option<usize>),
    /// In the output of the workflow: everything has run.
    Output,
}

impl Outline {
    pub(crate) fn new_level(&mut self) -> usize {
        self.levels += 1;
        self.levels - 1
    }

    pub(crate) fn levels(&self) -> usize {
        self.levels
    }

    /// In how many steps a step's `steps` stand.
    pub(crate) fn depth(&self, parent: Option<usize>) -> usize {
        parent.map_or(0, |step| self.ancestry(step).len())
    }

    /// The step and those it stands in, from the inside out.
    pub(crate) fn ancestry(&self, step: usize) -> Vec<usize> {
        std::iter::successors(Some(step), |step| self.steps[*step].parent).collect()
    }

    /// Takes a step up and gives its index, and the step that has its name already.
    pub(crate) fn list(&mut self, step: Listed) -> (usize, Option<&Listed>) {
        let index = self.steps.len();
        let first = *self.by_name.entry(step.name.clone()).or_insert(index);
        self.steps.push(step);
        (index, (first != index).then(|| &self.steps[first]))
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The names that are not before `start` in the alphabet.
    pub(crate) fn names_from<'o>(&'o self, start: &str) -> impl Iterator<Item = &'o str> + use<'o> {
        self.by_name.range(start.to_owned()..).map(|(name, _)| name.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}
