//! Where a frame stands in the tree of an execution.

use std::{borrow::Borrow, fmt, sync::Arc};

use sagaline_model::{Name, NameError};
use serde::{Deserialize, Serialize};

/// Node names from the root down, joined by `/`; a second and later visit of a node is marked (`review:2`). One subject token.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FramePath(Arc<str>);

impl FramePath {
    pub fn root(name: &Name) -> Self {
        Self(name.as_str().into())
    }

    pub fn child(&self, name: &Name) -> Self {
        Self(format!("{}/{name}", self.0).into())
    }

    /// The same for this visit of the node: the first is number 1.
    pub fn child_visit(&self, name: &Name, visit: u32) -> Self {
        match visit {
            0 | 1 => self.child(name),
            _ => Self(format!("{}/{name}:{visit}", self.0).into()),
        }
    }

    /// The same for this visit of a node that is inside of no other: the first is number 1.
    pub fn visit_of_root(&self, visit: u32) -> Self {
        match visit {
            0 | 1 => self.clone(),
            _ => Self(format!("{}:{visit}", self.0).into()),
        }
    }

    /// Which visit of its node this is.
    pub fn visit(&self) -> u32 {
        visit_of(&self.0)
    }

    /// This path, with the visits of whatever it has in common with `other`.
    pub fn near(&self, other: &str) -> Self {
        let mut common = String::new();
        let mut others = other.split('/');
        let mut apart = false;
        for part in self.0.split('/') {
            let beside = others.next().filter(|beside| !apart && node_of(beside) == node_of(part));
            apart = beside.is_none();
            if !common.is_empty() {
                common.push('/');
            }
            common.push_str(beside.unwrap_or(part));
        }
        Self(common.into())
    }

    /// Where the task stands that undoes the step of this path: the how-manieth of several, the first is number 1.
    pub fn undo(&self, action: u32) -> Self {
        match action {
            0 | 1 => Self(format!("{}/{UNDO}", self.0).into()),
            _ => Self(format!("{}/{UNDO}:{action}", self.0).into()),
        }
    }

    /// What is undone by the task that stands here, if it is such a one.
    pub fn undone(&self) -> Option<(Self, u32)> {
        let outer = self.parent()?;
        (self.step() == UNDO).then(|| (outer, self.visit()))
    }

    /// A path of another execution, as it stands below this one.
    pub fn join(&self, inner: &Self) -> Self {
        Self(format!("{}/{}", self.0, inner.0).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The frame around this one; the root's children have none.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(outer, _)| Self(outer.into()))
    }

    /// Whether this frame stands somewhere inside `outer`.
    pub fn is_below(&self, outer: &Self) -> bool {
        self.0.strip_prefix(outer.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The name of the last node.
    pub fn step(&self) -> &str {
        node_of(self.0.rsplit('/').next().unwrap_or(&self.0))
    }
}

/// The last part of the path of a task that undoes a step. No node has such a name.
const UNDO: &str = "~undo";

/// The node of a part of a path.
fn node_of(part: &str) -> &str {
    part.split(':').next().unwrap_or(part)
}

/// The visit that the last part of a path is.
pub fn visit_of(path: &str) -> u32 {
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split_once(':').and_then(|(_, visit)| visit.parse().ok()).unwrap_or(1)
}

impl TryFrom<String> for FramePath {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        for part in text.split('/') {
            let (name, visit) = part.split_once(':').unwrap_or((part, "2"));
            if name != UNDO {
                Name::new(name)?;
            }
            // A first visit is not marked, and each path is written in one way only.
            let again = visit.parse::<u32>().is_ok_and(|number| number > 1 && number.to_string() == visit);
            if !again {
                return Err(NameError::BadCharacter { name: text.clone(), bad: ':', dot: false });
            }
        }
        Ok(Self(text.into()))
    }
}

impl From<FramePath> for String {
    fn from(path: FramePath) -> String {
        (*path.0).to_owned()
    }
}

impl Borrow<str> for FramePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FramePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FramePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
