//! The kinds of steps, and what only some of them have.

use serde_json::Value;

use super::{
    Steps,
    step::Step,
    text::{Length, Names},
    tree::{Keys, Tree},
};

/// A worker does it.
pub fn activity(name: impl Into<String>) -> Step {
    Step::of("activity", name.into())
}

/// Time passes.
pub fn wait(time: impl Into<Length>) -> Step {
    Step::of("wait", time.into().text())
}

/// It waits for a signal, whose data are its output.
pub fn signal(name: impl Into<String>) -> Step {
    Step::of("await", Keys::of("signal", name.into()))
}

/// It waits for all of several signals; with [`need_any`](Step::need_any) for one of them.
pub fn signals(names: impl Into<Names>) -> Step {
    Step::of("await", Keys::of("signals", names.into().0))
}

/// It waits for somebody who approves or rejects.
pub fn approval() -> Step {
    Step::of("await", Keys::of("approval", Keys::default()))
}

/// It waits for an event of this type.
pub fn event(kind: impl Into<String>) -> Step {
    Step::of("await", Keys::of("event", kind.into()))
}

/// Steps inside a step.
pub fn steps(steps: impl Into<Steps>) -> Step {
    Step::of("steps", steps.into().tree())
}

/// The first of these to complete wins, and the others are cancelled.
pub fn race(steps: impl Into<Steps>) -> Step {
    Step::of("race", steps.into().tree())
}

/// The first case that applies is done; [`case`](Step::case) and [`otherwise`](Step::otherwise) add them.
pub fn switch() -> Step {
    Step::of("switch", Tree::List(vec![]))
}

/// Steps whose failure is mended by those of a [`catch`](Step::catch).
pub fn attempt(steps: impl Into<Steps>) -> Step {
    Step::of("try", steps.into().tree())
}

/// A value of `ctx`; [`and`](Step::and) adds more.
pub fn set(key: impl AsRef<str>, value: impl Into<Value>) -> Step {
    Step::of("set", Keys::of(key.as_ref(), value.into()))
}

/// It fails on purpose, with an error of this type.
pub fn raise(kind: impl Into<String>) -> Step {
    Step::of("raise", Keys::of("type", kind.into()))
}

/// An execution of another workflow does the work of the step.
pub fn child(workflow: impl Into<String>) -> Step {
    Step::of("child", Keys::of("workflow", workflow.into()))
}

/// An event of this type is published.
pub fn emit(kind: impl Into<String>) -> Step {
    Step::of("emit", Keys::of("type", kind.into()))
}

/// Of those that wait.
impl Step {
    /// One of the signals is enough.
    pub fn need_any(self) -> Self {
        self.put_in("await", "need", "any")
    }

    /// Who may approve: names, or expressions that give them. Anybody may, if nothing is said.
    pub fn approvers(mut self, approvers: impl Into<Names>) -> Self {
        self.keys.map("await").map("approval").set("approvers", approvers.into().0);
        self
    }

    /// The activity that tells those who may approve.
    pub fn notify(mut self, activity: Step) -> Self {
        self.keys.map("await").map("approval").set("notify", activity.keys);
        self
    }

    /// An event of this type tells them.
    pub fn notify_by_event(mut self, kind: impl Into<String>) -> Self {
        self.keys.map("await").map("approval").map("notify").set("event", kind.into());
        self
    }

    /// An event with these data tells them.
    pub fn notify_by_event_with(mut self, kind: impl Into<String>, data: impl Into<Value>) -> Self {
        let event = Keys::of("event", kind.into()).with("data", data.into());
        self.keys.map("await").map("approval").set("notify", event);
        self
    }

    /// When nobody came in time it is skipped; otherwise it fails.
    pub fn skip_on_timeout(self) -> Self {
        self.put_in("await", "on_timeout", "skip")
    }

    /// When nobody came in time, these are done instead.
    pub fn on_timeout(self, steps: impl Into<Steps>) -> Self {
        self.put_in("await", "on_timeout", Keys::of("steps", steps.into().tree()))
    }

    /// A field of the event's data, and what it must be.
    pub fn matching(mut self, field: impl AsRef<str>, value: impl Into<Value>) -> Self {
        self.keys.map("await").map("match").set(field.as_ref(), value.into());
        self
    }

    /// What is computed from the event must be what is computed from the execution.
    pub fn correlate(self, event: impl Into<String>, with: impl Into<Value>) -> Self {
        self.put_in("await", "correlate", Keys::of("event", event.into()).with("with", with.into()))
    }

    /// Only events for which this holds; it reads `trigger`.
    pub fn event_when(self, condition: impl Into<String>) -> Self {
        self.put_in("await", "when", condition.into())
    }

    /// For how long an event counts that came before the step began to wait.
    pub fn keep(self, time: impl Into<Length>) -> Self {
        self.put_in("await", "keep", time.into().text())
    }
}

/// Of those that decide what is done.
impl Step {
    /// These are done if the condition holds, and those of no case before do.
    pub fn case(self, condition: impl Into<String>, steps: impl Into<Steps>) -> Self {
        self.add_case(Keys::of("when", condition.into()).with("steps", steps.into().tree()))
    }

    /// These are done if no case applies.
    pub fn otherwise(self, steps: impl Into<Steps>) -> Self {
        self.add_case(Keys::of("steps", steps.into().tree()))
    }

    fn add_case(mut self, case: Keys) -> Self {
        self.keys.push("switch", case);
        self
    }

    /// These are done when one of the others failed.
    pub fn catch(self, steps: impl Into<Steps>) -> Self {
        self.put("catch", Keys::of("steps", steps.into().tree()))
    }

    /// These are done when one of the others failed with an error of these types.
    pub fn catch_only(self, errors: impl Into<Names>, steps: impl Into<Steps>) -> Self {
        self.put("catch", Keys::of("errors", errors.into().0).with("steps", steps.into().tree()))
    }

    /// Another value.
    pub fn and(self, key: impl AsRef<str>, value: impl Into<Value>) -> Self {
        self.put_in("set", key.as_ref(), value.into())
    }

    /// What it says when it fails on purpose.
    pub fn message(self, message: impl Into<String>) -> Self {
        self.put_in("raise", "message", message.into())
    }

    /// What its error has besides.
    pub fn details(self, details: impl Into<Value>) -> Self {
        self.put_in("raise", "details", details.into())
    }
}

/// Of children and events.
impl Step {
    /// A version of the child's workflow; the newest if nothing is said.
    pub fn version(self, version: u32) -> Self {
        self.put_in("child", "version", version)
    }

    /// The id of the child.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.put_in("child", "id", id.into())
    }

    /// The step is done as soon as the child has started.
    pub fn detached(self) -> Self {
        self.put_in("child", "wait", false)
    }

    /// The child goes on when nobody waits for it any more; otherwise it is cancelled.
    pub fn abandon_at_end(self) -> Self {
        self.put_in("child", "on_parent_end", "abandon")
    }

    /// What goes with the event.
    pub fn data(self, data: impl Into<Value>) -> Self {
        self.put_in("emit", "data", data.into())
    }

    /// Where the event comes from.
    pub fn source(self, source: impl Into<String>) -> Self {
        self.put_in("emit", "source", source.into())
    }

    /// What the event is about.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.put_in("emit", "subject", subject.into())
    }
}
