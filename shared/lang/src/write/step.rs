//! Steps: what each comes after, and what it does.

use sagaline_model::{
    ActivityName, Breaker, BreakerRule, Case, Child, Compensate, CompensateOn, Compensation, Dag, Emit, Expand,
    ForEach, Gate, JobSpec, Kind, Node, OnError, OnParentEnd, PlacesGate, Raise, RateGate, RateRule, RetryPolicy, Step,
    StepError, StepLimits, Try, Wait, WhenOpen,
};

use super::{
    document::{Document, Keys},
    retry::retry,
};
use crate::step::{AT_ONCE, ITEM};

/// Writes steps of a workflow that says some things for all of them.
pub(super) struct Steps<'s> {
    pub(super) policy: RetryPolicy,
    pub(super) timeout: Option<&'s str>,
}

impl Steps<'_> {
    pub(super) fn all(&self, nodes: &[Node]) -> Document {
        Document::Map(nodes.iter().map(|node| (node.name.to_string(), self.node(node))).collect())
    }

    fn dag(&self, Dag { nodes }: &Dag) -> Document {
        self.all(nodes)
    }

    /// Steps that are done instead of something.
    pub(super) fn instead(&self, steps: &Dag) -> Document {
        let mut keys = Keys::default();
        keys.put("steps", self.dag(steps));
        keys.map()
    }

    pub(super) fn node(&self, node: &Node) -> Document {
        // The name is the key that it stands under.
        let Node { name: _, after, after_any, group, when, on_error, kind, context_key } = node;
        let mut keys = Keys::default();
        keys.one_or_more("after", after);
        keys.list("after_any", after_any);
        keys.maybe_text("group", group.as_ref());
        keys.condition("when", when.as_ref());
        let on_error = word(*on_error);
        // What is about the whole stands before what is inside of it.
        let holds_others = !node.inside().is_empty();
        if holds_others {
            keys.maybe_text("on_error", on_error);
            keys.maybe_text("context_key", context_key.as_ref());
        }
        match kind {
            Kind::ForEach(each) => self.each(&mut keys, each),
            once => self.once(&mut keys, once),
        }
        if !holds_others {
            keys.maybe_text("context_key", context_key.as_ref());
            keys.maybe_text("on_error", on_error);
        }
        keys.map()
    }

    fn each(&self, keys: &mut Keys, each: &ForEach) {
        let ForEach { items, item, concurrency, body, computed_concurrency } = each;
        let mut inside = Keys::default();
        inside.put("items", items);
        if item.as_str() != ITEM {
            inside.text("as", item);
        }
        match computed_concurrency {
            Some(computed) => inside.text("concurrency", computed),
            None if *concurrency == AT_ONCE => {}
            None => inside.put("concurrency", *concurrency),
        }
        inside.maybe_text("on_item_error", word(body.on_error));
        keys.put("for_each", inside.short("items"));
        self.once(keys, &body.kind);
    }

    fn once(&self, keys: &mut Keys, kind: &Kind) {
        match kind {
            Kind::Step(step) => self.activity(keys, step),
            Kind::Wait(Wait { duration }) => keys.text("wait", duration),
            Kind::Await(what) => keys.put("await", self.signal(what)),
            Kind::AwaitSignals(what) => keys.put("await", self.signals(what)),
            Kind::Approval(what) => keys.put("await", self.approval(what)),
            Kind::AwaitEvent(what) => keys.put("await", self.event(what)),
            Kind::Dag(dag) => keys.put("steps", self.dag(dag)),
            Kind::Race(dag) => keys.put("race", self.dag(dag)),
            Kind::Switch { cases } => {
                let case = |Case { when, steps }: &Case| {
                    let mut keys = Keys::default();
                    keys.condition("when", when.as_ref());
                    keys.put("steps", self.dag(steps));
                    keys.map()
                };
                keys.put("switch", Document::List(cases.iter().map(case).collect()));
            }
            Kind::Try(Try { body, errors, catch }) => {
                keys.put("try", self.dag(body));
                let mut inside = Keys::default();
                inside.list("errors", errors);
                inside.put("steps", self.dag(catch));
                keys.put("catch", inside.map());
            }
            // No definition has a loop right inside of a loop; what is written so is not what was meant, which is seen when it is read.
            Kind::ForEach(each) => self.each(keys, each),
            Kind::Set { values } => keys.put("set", values),
            Kind::Raise(raise) => keys.put("raise", raised(raise)),
            Kind::Child(child) => keys.put("child", started(child)),
            Kind::Emit(emit) => keys.put("emit", emitted(emit)),
        }
    }

    pub(super) fn activity(&self, keys: &mut Keys, step: &Step) {
        let Step {
            activity,
            queue,
            input,
            timeout,
            limits,
            retry: policy,
            metadata,
            expand,
            breaker,
            compensate,
            gates,
        } = step;
        let StepLimits { schedule_timeout, total_timeout, heartbeat, deadline } = limits;
        keys.text("activity", activity);
        if queue.as_str() != Step::DEFAULT_QUEUE {
            keys.text("queue", queue);
        }
        keys.value("input", input);
        keys.maybe_text("timeout", timeout.as_ref().filter(|timeout| Some(timeout.as_str()) != self.timeout));
        keys.maybe_text("schedule_timeout", schedule_timeout.as_ref());
        keys.maybe_text("total_timeout", total_timeout.as_ref());
        keys.maybe_text("heartbeat", heartbeat.as_ref());
        keys.maybe_text("deadline", deadline.as_ref());
        keys.maybe("retry", retry(policy, &self.policy));
        keys.value("metadata", metadata);
        keys.maybe("expand", expand.as_deref().map(expanding));
        keys.maybe("breaker", breaker.as_deref().map(broken));
        self::gates(keys, activity, gates);
        keys.maybe("compensate", compensate.as_deref().map(undone));
    }
}

fn word(on_error: OnError) -> Option<&'static str> {
    match on_error {
        OnError::Fail => None,
        OnError::Skip => Some("skip"),
        OnError::Continue => Some("continue"),
        OnError::Pause => Some("pause"),
    }
}

fn expanding(Expand { concurrency, queues, defaults: _ }: &Expand) -> Document {
    let mut keys = Keys::default();
    if *concurrency != AT_ONCE {
        keys.put("concurrency", *concurrency);
    }
    keys.list("queues", queues);
    if keys.is_empty() { true.into() } else { keys.map() }
}

fn broken(Breaker { name, rule, when_open }: &Breaker) -> Document {
    let BreakerRule { threshold, window, reset, probes } = rule;
    let base = BreakerRule::default();
    let mut keys = Keys::default();
    keys.text("name", name);
    if *threshold != base.threshold {
        keys.put("threshold", *threshold);
    }
    keys.maybe_text("window", window.as_ref());
    if *reset != base.reset {
        keys.text("reset", reset);
    }
    if *probes != base.probes {
        keys.put("probes", *probes);
    }
    match when_open {
        WhenOpen::Delay => {}
        WhenOpen::Fail => keys.text("when_open", "fail"),
    }
    keys.short("name")
}

fn gates(keys: &mut Keys, activity: &ActivityName, gates: &[Gate]) {
    let own = JobSpec::of(activity.clone()).workflow();
    let (mut rates, mut places) = (vec![], vec![]);
    for gate in gates {
        let mut keys = Keys::default();
        match gate {
            Gate::Rate(RateGate { name, key, rule: RateRule { limit, per, burst } }) => {
                keys.put("limit", *limit);
                keys.text("per", per);
                keys.maybe("burst", *burst);
                keys.maybe_text("name", (*name != own).then_some(name));
                keys.maybe_text("key", key.as_ref());
                rates.push(keys.map());
            }
            Gate::Places(PlacesGate { name, key, limit }) => {
                keys.put("limit", *limit);
                keys.maybe_text("name", (*name != own).then_some(name));
                keys.maybe_text("key", key.as_ref());
                places.push(keys.short("limit"));
            }
        }
    }
    for (key, mut all) in [("rate_limit", rates), ("limit", places)] {
        match all.len() {
            0 => {}
            1 => keys.maybe(key, all.pop()),
            _ => keys.put(key, Document::List(all)),
        }
    }
}

fn undone(Compensate { actions, on }: &Compensate) -> Document {
    let mut actions: Vec<Document> = actions.iter().map(action).collect();
    let actions = if actions.len() == 1 { actions.remove(0) } else { Document::List(actions) };
    match on {
        CompensateOn::Effected => actions,
        CompensateOn::Attempted => {
            let mut keys = Keys::default();
            keys.text("on", "attempted");
            keys.put("actions", actions);
            keys.map()
        }
    }
}

fn action(action: &Compensation) -> Document {
    let Compensation { activity, queue, input, timeout, retry: policy, allow_skip, metadata } = action;
    let mut keys = Keys::default();
    keys.text("activity", activity);
    keys.maybe_text("queue", queue.as_ref());
    keys.value("input", input);
    keys.maybe_text("timeout", timeout.as_ref());
    keys.maybe("retry", retry(policy, &Compensation::patience()));
    if *allow_skip {
        keys.put("allow_skip", true);
    }
    keys.value("metadata", metadata);
    keys.short("activity")
}

fn raised(Raise { kind, message, details }: &Raise) -> Document {
    let mut keys = Keys::default();
    if kind != StepError::UNTYPED || details.is_null() && *message == format!("the workflow raised {kind}") {
        keys.text("type", kind);
    }
    if *message != format!("the workflow raised {kind}") {
        keys.text("message", message);
    }
    keys.value("details", details);
    keys.short("type")
}

fn started(child: &Child) -> Document {
    let Child { workflow, version, id, input, queue, wait, timeout, on_parent_end } = child;
    let mut keys = Keys::default();
    keys.text("workflow", workflow);
    keys.maybe("version", *version);
    keys.maybe_text("id", id.as_ref());
    keys.value("input", input);
    keys.maybe_text("queue", queue.as_ref());
    if !wait {
        keys.put("wait", false);
    }
    keys.maybe_text("timeout", timeout.as_ref());
    match on_parent_end {
        OnParentEnd::Cancel => {}
        OnParentEnd::Abandon => keys.text("on_parent_end", "abandon"),
    }
    keys.short("workflow")
}

fn emitted(Emit { kind, source, subject, data }: &Emit) -> Document {
    let mut keys = Keys::default();
    keys.text("type", kind);
    keys.maybe_text("source", source.as_ref());
    keys.maybe_text("subject", subject.as_ref());
    keys.value("data", data);
    keys.short("type")
}
