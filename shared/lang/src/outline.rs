//! What the checks across steps go by: every step with its place and its order, and every expression that reads something.
//!
//! Filled while a definition is read; checked (`order`, `references`) once all names are known.

use std::{collections::BTreeMap, rc::Rc};

use sagaline_expr::{Expression, ValueKind};

use crate::{given::Given, source::Place, tree::Node};

#[derive(Default)]
pub(crate) struct Outline {
    pub(crate) steps: Vec<Listed>,
    pub(crate) uses: Vec<Use>,
    /// Children that are started without a certain version.
    pub(crate) children: Vec<Given>,
    by_name: BTreeMap<String, usize>,
    /// What each map of steps is to the step that it stands in.
    levels: Vec<Part>,
}

/// What a map of steps is to the step that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Steps,
    /// Those that run in a race.
    Race,
    /// One case of several.
    Case,
    /// What is tried,
    Body,
    /// and what takes over when that fails.
    Catch,
    /// No part of a step: what is done once it is known how an execution ends.
    Handler,
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
    /// What it belongs to, and the groups that it comes after.
    pub(crate) group: Option<String>,
    pub(crate) after_groups: Vec<(String, Place)>,
    /// The name of an item, if it is a loop.
    pub(crate) item: Option<String>,
    /// Whether it may return further steps.
    pub(crate) expands: bool,
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
    /// Compiled, each with where it starts in that text: one, or those within a text.
    pub(crate) compiled: Vec<(usize, Expression)>,
    /// What its value must be of, if that is not anything.
    pub(crate) must_be: Option<MustBe>,
}

/// Of which kind the value of an expression must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MustBe {
    /// Or it never holds.
    Condition,
    /// Such as `5m`, or seconds.
    Duration,
    Moment,
    Count,
    /// What a loop goes through.
    Items,
}

impl MustBe {
    pub(crate) fn kinds(self) -> &'static [ValueKind] {
        match self {
            Self::Condition => &[ValueKind::Boolean],
            Self::Duration => &[ValueKind::Text, ValueKind::Number, ValueKind::Duration],
            Self::Moment => &[ValueKind::Text, ValueKind::Time],
            Self::Count => &[ValueKind::Number],
            Self::Items => &[ValueKind::List],
        }
    }
}

/// Where an expression stands, which decides what it may read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In a trigger: nothing runs yet.
    Trigger,
    /// In a step, by its index in the outline.
    Step(usize),
    /// In what a step does for each item, or does at all if it is no loop.
    Body(usize),
    /// A backoff of a step, or of all steps.
    Backoff(Option<usize>),
    /// In the output of the workflow: everything has run.
    Output,
    /// In what the workflow says about an execution as a whole: nothing has run yet.
    Whole,
    /// In an update: it comes at any time.
    Update,
    /// In what undoes a step, computed when that ends.
    Undo(usize),
    /// In what a wait says about the event: only the event is there.
    Event,
}

impl Outline {
    pub(crate) fn new_level(&mut self, part: Part) -> usize {
        self.levels.push(part);
        self.levels.len() - 1
    }

    pub(crate) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// What the map in which a step stands is to the step around it.
    pub(crate) fn part(&self, step: usize) -> Part {
        self.levels[self.steps[step].level]
    }

    /// The loops that a step is inside of, from the inside out.
    pub(crate) fn loops_around(&self, step: usize) -> impl Iterator<Item = usize> {
        self.ancestry(step).into_iter().skip(1).filter(|outer| self.steps[*outer].item.is_some())
    }

    /// The steps of a map that belong to a group, in the order of the definition.
    pub(crate) fn members<'o>(&'o self, level: usize, group: &'o str) -> impl Iterator<Item = &'o Listed> {
        self.steps.iter().filter(move |step| step.level == level && step.group.as_deref() == Some(group))
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
