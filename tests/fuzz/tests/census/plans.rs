//! What plans have, looked at field by field and kind by kind.

use std::collections::BTreeMap;

use sagaline_model::{
    Approval, Await, AwaitEvent, AwaitSignals, Backoff, Batch, Breaker, BreakerRule, Case, Child, Compensate,
    CompensateOn, Compensation, Concurrency, Conduct, Dag, DeadLetters, Debounce, Emit, EventRule, EventTrigger, Every,
    Exchange, Expand, ForEach, Gate, Gather, Handlers, Kind, Need, Node, OnError, OnLimit, OnParentEnd, OnTimeout,
    Overlap, PlacesGate, Plan, PlannedSchedule, Raise, RateGate, RateRule, RetryPolicy, SignalRule, SignalTrigger,
    Step, StepDefaults, StepLimits, Trigger, Try, Unique, UniqueUntil, UpdateRule, Wait, When, WhenOpen,
};

/// The variants of enums. What is here and is never made is told; what is not here is told as well.
const VARIANTS: [&str; 52] = [
    "kind activity",
    "kind wait",
    "kind await",
    "kind steps",
    "kind race",
    "kind switch",
    "kind try",
    "kind for_each",
    "kind set",
    "kind raise",
    "kind child",
    "kind emit",
    "kind signals",
    "kind approval",
    "kind event",
    "on_error fail",
    "on_error skip",
    "on_error continue",
    "on_error pause",
    "on_timeout fail",
    "on_timeout skip",
    "on_timeout steps",
    "need all",
    "need any",
    "trigger event",
    "trigger manual",
    "trigger schedule",
    "gather debounce",
    "gather batch",
    "overlap allow",
    "overlap skip",
    "overlap queue_one",
    "overlap cancel_running",
    "backoff fixed",
    "backoff linear",
    "backoff exponential",
    "backoff custom",
    "on_limit queue",
    "on_limit skip",
    "on_limit cancel_old",
    "when_open delay",
    "when_open fail",
    "gate rate",
    "gate places",
    "undo effected",
    "undo attempted",
    "on_parent_end cancel",
    "on_parent_end abandon",
    "until end",
    "until success",
    "until expiry",
    "case otherwise",
];

pub(crate) struct Census {
    made: BTreeMap<&'static str, usize>,
}

impl Default for Census {
    fn default() -> Self {
        Self { made: VARIANTS.iter().map(|name| (*name, 0)).collect() }
    }
}

impl Census {
    pub(crate) fn never_made(&self) -> Vec<&'static str> {
        self.made.iter().filter(|(_, times)| **times == 0).map(|(name, _)| *name).collect()
    }

    fn variant(&mut self, name: &'static str) {
        assert!(VARIANTS.contains(&name), "`{name}` belongs into the list");
        self.see(name, true);
    }

    fn see(&mut self, what: &'static str, is: bool) {
        *self.made.entry(what).or_default() += usize::from(is);
    }

    pub(crate) fn plan(&mut self, plan: &Plan) {
        let Plan {
            workflow: _,
            rules,
            note,
            input_schema,
            triggers,
            timeout,
            tags,
            root,
            output,
            handlers,
            conduct,
            exchange,
            concurrency,
            unique,
            config: _,
        } = plan;
        self.see("first rules", *rules == Plan::FIRST_RULES);
        self.see("latest rules", *rules == Plan::RULES_OF_STARTS);
        self.see("note", note.is_some());
        self.see("input_schema", input_schema.is_some());
        self.see("timeout", timeout.is_some());
        self.see("tags", !tags.is_empty());
        self.see("output", output.is_some());
        triggers.iter().for_each(|trigger| self.trigger(trigger));
        self.dag(root);
        self.handlers(handlers);
        self.conduct(conduct);
        self.exchange(exchange);
        if let Some(Concurrency { limit: _, key, on_limit, pool }) = concurrency {
            self.see("concurrency key", key.is_some());
            self.see("concurrency pool", pool.is_some());
            self.variant(match on_limit {
                OnLimit::Queue => "on_limit queue",
                OnLimit::Skip => "on_limit skip",
                OnLimit::CancelOld => "on_limit cancel_old",
            });
        }
        if let Some(Unique { key: _, ttl: _, until }) = unique {
            self.variant(match until {
                UniqueUntil::End => "until end",
                UniqueUntil::Success => "until success",
                UniqueUntil::Expiry => "until expiry",
            });
        }
    }

    fn handlers(&mut self, Handlers { on_success, on_failure, on_cancel, on_step_error }: &Handlers) {
        self.see("on_success", on_success.is_some());
        self.see("on_failure", on_failure.is_some());
        self.see("on_cancel", on_cancel.is_some());
        self.see("on_step_error", on_step_error.is_some());
        for node in [on_success, on_failure, on_cancel, on_step_error].into_iter().flatten() {
            self.node(node);
        }
    }

    fn conduct(&mut self, conduct: &Conduct) {
        let Conduct { step_concurrency, timeout, deadline, metadata, retry_workflow, dead_letter } = conduct;
        self.see("step_concurrency", step_concurrency.is_some());
        self.see("computed timeout", timeout.is_some());
        self.see("deadline", deadline.is_some());
        self.see("metadata", !metadata.is_null());
        self.see("retry_workflow", retry_workflow.is_some());
        retry_workflow.iter().for_each(|policy| self.retry(policy));
        self.see("dead_letter", dead_letter.is_some());
        if let Some(DeadLetters { ttl }) = dead_letter {
            self.see("dead_letter ttl", *ttl != DeadLetters::TTL);
        }
    }

    fn exchange(&mut self, Exchange { signals, queries, updates }: &Exchange) {
        self.see("queries", !queries.is_empty());
        for SignalRule { schema } in signals.values() {
            self.see("signal schema", schema.is_some());
        }
        for UpdateRule { schema, when, set, result } in updates.values() {
            self.see("update schema", schema.is_some());
            self.see("update when", when.is_some());
            self.see("update set", !set.is_null());
            self.see("update result", !result.is_null());
        }
    }

    fn trigger(&mut self, trigger: &Trigger) {
        match trigger {
            Trigger::Manual => self.variant("trigger manual"),
            Trigger::Event(event) => {
                self.variant("trigger event");
                self.event(event);
            }
            Trigger::Schedule(planned) => {
                self.variant("trigger schedule");
                self.schedule(planned);
            }
        }
    }

    fn event(&mut self, event: &EventTrigger) {
        let EventTrigger { types, when, input, source, subject, extensions, signal, gather } = event;
        self.see("several types of events", 1 < types.len());
        self.see("event when", when.is_some());
        self.see("event input", input.is_some());
        self.see("event source", source.is_some());
        self.see("event subject", subject.is_some());
        self.see("event extensions", !extensions.is_empty());
        if let Some(SignalTrigger { name: _, execution: _, data }) = signal.as_deref() {
            self.see("signal of an event with data", data.is_some());
        }
        match gather.as_deref() {
            None => {}
            Some(Gather::Debounce(Debounce { quiet: _, key, max })) => {
                self.variant("gather debounce");
                self.see("debounce key", key.is_some());
                self.see("debounce max", max.is_some());
            }
            Some(Gather::Batch(Batch { size: _, within: _, key })) => {
                self.variant("gather batch");
                self.see("batch key", key.is_some());
            }
        }
    }

    fn schedule(&mut self, PlannedSchedule { when, input, overlap, catch_up, limit }: &PlannedSchedule) {
        let When { cron, every, at, after, start_at, end_at, timezone, jitter } = when;
        self.see("cron", !cron.is_empty());
        self.see("at", !at.is_empty());
        self.see("in", after.is_some());
        self.see("start_at", start_at.is_some());
        self.see("end_at", end_at.is_some());
        self.see("timezone", timezone.is_some());
        self.see("jitter of a schedule", jitter.is_some());
        self.see("schedule input", !input.is_null());
        self.see("catch_up", catch_up.is_some());
        self.see("limit of a schedule", limit.is_some());
        if let Some(Every { period: _, anchor, offset }) = every {
            self.see("anchor", anchor.is_some());
            self.see("offset", offset.is_some());
        }
        self.variant(match overlap {
            Overlap::Allow => "overlap allow",
            Overlap::Skip => "overlap skip",
            Overlap::QueueOne => "overlap queue_one",
            Overlap::CancelRunning => "overlap cancel_running",
        });
    }

    fn dag(&mut self, Dag { nodes }: &Dag) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &Node) {
        let Node { name: _, after, after_any, group, when, on_error, kind, context_key } = node;
        self.see("after", !after.is_empty());
        self.see("after_any", !after_any.is_empty());
        self.see("group", group.is_some());
        self.see("when", when.is_some());
        self.see("context_key", context_key.is_some());
        self.variant(match on_error {
            OnError::Fail => "on_error fail",
            OnError::Skip => "on_error skip",
            OnError::Continue => "on_error continue",
            OnError::Pause => "on_error pause",
        });
        self.kind(kind);
    }

    fn kind(&mut self, kind: &Kind) {
        self.variant(match kind {
            Kind::Step(_) => "kind activity",
            Kind::Wait(_) => "kind wait",
            Kind::Await(_) => "kind await",
            Kind::Dag(_) => "kind steps",
            Kind::Race(_) => "kind race",
            Kind::Switch { .. } => "kind switch",
            Kind::Try(_) => "kind try",
            Kind::ForEach(_) => "kind for_each",
            Kind::Set { .. } => "kind set",
            Kind::Raise(_) => "kind raise",
            Kind::Child(_) => "kind child",
            Kind::Emit(_) => "kind emit",
            Kind::AwaitSignals(_) => "kind signals",
            Kind::Approval(_) => "kind approval",
            Kind::AwaitEvent(_) => "kind event",
        });
        match kind {
            Kind::Step(step) => self.step(step),
            Kind::Wait(Wait { duration }) => self.see("computed wait", duration.contains("${")),
            Kind::Await(Await { signal: _, timeout, on_timeout }) => self.patience(timeout.as_ref(), on_timeout),
            Kind::Dag(dag) | Kind::Race(dag) => self.dag(dag),
            Kind::Switch { cases } => {
                for Case { when, steps } in cases {
                    if when.is_none() {
                        self.variant("case otherwise");
                    }
                    self.dag(steps);
                }
            }
            Kind::Try(Try { body, errors, catch }) => {
                self.see("errors that are caught", !errors.is_empty());
                self.dag(body);
                self.dag(catch);
            }
            Kind::ForEach(ForEach { items, item, concurrency, body, computed_concurrency }) => {
                self.see("computed items", items.is_string());
                self.see("items by another name", item.as_str() != "item");
                self.see("concurrency of a loop", *concurrency != 100);
                self.see("computed concurrency", computed_concurrency.is_some());
                self.node(body);
            }
            Kind::Set { values } => self.see("no values", values == &serde_json::json!({})),
            Kind::Raise(Raise { kind: _, message, details }) => {
                self.see("message", message.contains("${"));
                self.see("details", !details.is_null());
            }
            Kind::Child(child) => self.child(child),
            Kind::Emit(Emit { kind: _, source, subject, data }) => {
                self.see("emit source", source.is_some());
                self.see("emit subject", subject.is_some());
                self.see("emit data", !data.is_null());
            }
            Kind::AwaitSignals(AwaitSignals { signals: _, need, timeout, on_timeout }) => {
                self.variant(match need {
                    Need::All => "need all",
                    Need::Any => "need any",
                });
                self.patience(timeout.as_ref(), on_timeout);
            }
            Kind::Approval(Approval { approvers, notify, timeout, on_timeout }) => {
                self.see("approvers", !approvers.is_null());
                self.see("notify", notify.is_some());
                notify.iter().for_each(|notify| self.node(notify));
                self.patience(timeout.as_ref(), on_timeout);
            }
            Kind::AwaitEvent(AwaitEvent {
                rule: EventRule { kind: _, key, when },
                with,
                keep,
                timeout,
                on_timeout,
            }) => {
                self.see("match", key.is_object());
                self.see("correlate", key.is_string());
                self.see("with", !with.is_null());
                self.see("wait for an event when", when.is_some());
                self.see("keep", *keep != AwaitEvent::KEPT);
                self.patience(timeout.as_ref(), on_timeout);
            }
        }
    }

    fn patience(&mut self, timeout: Option<&String>, on_timeout: &OnTimeout) {
        self.see("timeout of a wait", timeout.is_some());
        self.variant(match on_timeout {
            OnTimeout::Fail => "on_timeout fail",
            OnTimeout::Skip => "on_timeout skip",
            OnTimeout::Steps(_) => "on_timeout steps",
        });
        on_timeout.steps().into_iter().for_each(|steps| self.dag(steps));
    }

    fn child(&mut self, child: &Child) {
        let Child { workflow: _, version, id, input, queue, wait, timeout, on_parent_end } = child;
        self.see("child version", version.is_some());
        self.see("child id", id.is_some());
        self.see("child input", !input.is_null());
        self.see("child queue", queue.is_some());
        self.see("child that nobody waits for", !wait);
        self.see("child timeout", timeout.is_some());
        self.variant(match on_parent_end {
            OnParentEnd::Cancel => "on_parent_end cancel",
            OnParentEnd::Abandon => "on_parent_end abandon",
        });
    }

    fn step(&mut self, step: &Step) {
        let Step { activity: _, queue, input, timeout, limits, retry, metadata, expand, breaker, compensate, gates } =
            step;
        let StepLimits { schedule_timeout, total_timeout, heartbeat, deadline } = limits;
        self.see("queue", queue.as_str() != Step::DEFAULT_QUEUE);
        self.see("input", !input.is_null());
        self.see("timeout of a step", timeout.is_some());
        self.see("schedule_timeout", schedule_timeout.is_some());
        self.see("total_timeout", total_timeout.is_some());
        self.see("heartbeat", heartbeat.is_some());
        self.see("deadline of a step", deadline.is_some());
        self.see("metadata of a step", !metadata.is_null());
        self.retry(retry);
        if let Some(Expand { concurrency, queues, defaults: StepDefaults { timeout, retry, gates: _ } }) =
            expand.as_deref()
        {
            self.see("concurrency of what is returned", *concurrency != 100);
            self.see("queues of what is returned", !queues.is_empty());
            self.see("timeout of what is returned", timeout.is_some());
            self.see("retry of what is returned", retry.is_some());
        }
        if let Some(Breaker { name: _, rule, when_open }) = breaker.as_deref() {
            let BreakerRule { threshold, window, reset, probes } = rule;
            let usual = BreakerRule::default();
            self.see("threshold", *threshold != usual.threshold);
            self.see("window", window.is_some());
            self.see("reset", *reset != usual.reset);
            self.see("probes", *probes != usual.probes);
            self.variant(match when_open {
                WhenOpen::Delay => "when_open delay",
                WhenOpen::Fail => "when_open fail",
            });
        }
        if let Some(Compensate { actions, on }) = compensate.as_deref() {
            self.variant(match on {
                CompensateOn::Effected => "undo effected",
                CompensateOn::Attempted => "undo attempted",
            });
            self.see("several that undo", 1 < actions.len());
            actions.iter().for_each(|action| self.undo(action));
        }
        gates.iter().for_each(|gate| self.gate(gate));
    }

    fn undo(&mut self, action: &Compensation) {
        let Compensation { activity: _, queue, input, timeout, retry, allow_skip, metadata } = action;
        self.see("queue of what undoes", queue.is_some());
        self.see("input of what undoes", !input.is_null());
        self.see("timeout of what undoes", timeout.is_some());
        self.see("retry of what undoes", *retry != Compensation::patience());
        self.see("allow_skip", *allow_skip);
        self.see("metadata of what undoes", !metadata.is_null());
    }

    fn gate(&mut self, gate: &Gate) {
        match gate {
            Gate::Rate(RateGate { name: _, key, rule: RateRule { limit: _, per: _, burst } }) => {
                self.variant("gate rate");
                self.see("key of a rate", key.is_some());
                self.see("burst", burst.is_some());
            }
            Gate::Places(PlacesGate { name: _, key, limit: _ }) => {
                self.variant("gate places");
                self.see("key of places", key.is_some());
            }
        }
    }

    fn retry(&mut self, policy: &RetryPolicy) {
        let RetryPolicy {
            attempts,
            initial,
            backoff,
            max,
            jitter,
            retry_on,
            no_retry_on,
            computed_initial,
            computed_max,
        } = policy;
        self.see("attempts", *attempts != 1);
        self.see("initial", *initial != RetryPolicy::default().initial);
        self.see("max", max.is_some());
        self.see("jitter", *jitter);
        self.see("retry_on", !retry_on.is_empty());
        self.see("no_retry_on", !no_retry_on.is_empty());
        self.see("computed initial", computed_initial.is_some());
        self.see("computed max", computed_max.is_some());
        self.variant(match backoff {
            Backoff::Fixed => "backoff fixed",
            Backoff::Linear => "backoff linear",
            Backoff::Exponential { .. } => "backoff exponential",
            Backoff::Custom { .. } => "backoff custom",
        });
    }
}
