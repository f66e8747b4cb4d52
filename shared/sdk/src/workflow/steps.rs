//! Steps beside one another, and the patterns in which they are added.

use serde_json::json;

use super::{
    kinds::{child, steps},
    step::Step,
    text::Names,
    tree::{Keys, Tree},
};

/// Steps that stand beside one another: those of a workflow, or of a step that has some inside.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "steps do nothing until a workflow has them"]
pub struct Steps(Keys);

impl Steps {
    pub fn new() -> Self {
        Self::default()
    }

    /// One more. Its name is the only one in the whole workflow.
    pub fn step(mut self, name: impl Into<String>, step: Step) -> Self {
        // Two of one name are both kept, and whoever reads them says so.
        self.0.0.push((name.into(), Tree::Map(step.keys)));
        self
    }

    /// All of these begin when `after` is done.
    pub fn parallel<N: Into<String>>(
        self,
        after: impl Into<Names>,
        steps: impl IntoIterator<Item = (N, Step)>,
    ) -> Self {
        let after = after.into();
        steps.into_iter().fold(self, |all, (name, step)| all.step(name, step.after(after.clone())))
    }

    /// The same: from one step to many.
    pub fn fan_out<N: Into<String>>(self, from: impl Into<Names>, steps: impl IntoIterator<Item = (N, Step)>) -> Self {
        self.parallel(from, steps)
    }

    /// From many steps to one, which begins when all of them are done.
    pub fn fan_in(self, from: impl Into<Names>, name: impl Into<String>, step: Step) -> Self {
        self.step(name, step.after(from))
    }

    /// After `after`, those of these whose condition holds; several may. Where exactly one is wanted, [`switch`](super::switch) is it.
    pub fn branch<N: Into<String>, C: Into<String>>(
        self,
        after: impl Into<Names>,
        ways: impl IntoIterator<Item = (N, C, Step)>,
    ) -> Self {
        let ways = ways.into_iter().map(|(name, condition, step)| (name, step.when(condition)));
        self.parallel(after, ways)
    }

    /// An execution of another workflow as a step, which gets all that is known: `ctx`. [`child`] says more.
    pub fn add_workflow(self, name: impl Into<String>, workflow: impl Into<String>, after: impl Into<Names>) -> Self {
        self.step(name, child(workflow).input(json!("${ ctx }")).after(after))
    }

    /// The steps of another workflow, as steps inside a step. They read the input of the workflow that takes them in.
    pub fn take_in(self, name: impl Into<String>, others: impl Into<Self>, after: impl Into<Names>) -> Self {
        self.step(name, steps(others).after(after))
    }

    pub(super) fn tree(self) -> Tree {
        Tree::Steps(self.0)
    }
}

impl<N: Into<String>, const COUNT: usize> From<[(N, Step); COUNT]> for Steps {
    fn from(steps: [(N, Step); COUNT]) -> Self {
        steps.into_iter().fold(Self::new(), |all, (name, step)| all.step(name, step))
    }
}
