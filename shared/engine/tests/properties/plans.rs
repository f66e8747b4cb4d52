//! Random plans: steps inside steps, every kind, retries, limits, conditions, ways to fail.

mod steps;
mod waits;

use sagaline_model::{
    Backoff, Case, Concurrency, Conduct, Dag, DeadLetters, Emit, Exchange, ForEach, Handlers, Kind, Name, Node,
    OnError, OnLimit, Plan, Raise, RetryPolicy, Span, Try, Unique, UniqueUntil, UpdateRule, Wait,
};
use serde_json::{Value, json};

use crate::choices::Choices;

/// A plan has at most about so many nodes: enough for every constellation, few enough for many cases.
const MOST_NODES: usize = 24;
const DEEPEST: usize = 4;

pub(crate) const SIGNALS: [&str; 2] = ["go", "stop"];
pub(crate) const UPDATE: &str = "change";

pub(crate) fn plan(choices: &mut Choices) -> Plan {
    let concurrency = choices.chance(12).then(|| Concurrency {
        limit: 2,
        key: choices.chance(50).then(|| "${ workflow.input.n }".to_owned()),
        on_limit: choices.one_of(&[OnLimit::Queue, OnLimit::Skip, OnLimit::CancelOld]),
        pool: None,
    });
    let unique = choices.chance(12).then(|| Unique {
        key: "n-${ workflow.input.n }".to_owned(),
        ttl: Span::from_secs(60),
        until: choices.one_of(&[UniqueUntil::End, UniqueUntil::Success, UniqueUntil::Expiry]),
    });
    let rules = if unique.is_some() { Plan::RULES_OF_STARTS } else { Plan::RULES_OF_COMPANY };
    let timeout = choices.chance(25).then(|| Span::from_secs(5 + choices.below(60) as u64));
    let conduct = conduct(choices);
    let mut maker = Maker { choices, names: vec![] };
    // First, while there are choices.
    let on_step_error = maker.on_step_error();
    let root = maker.dag(0);
    let handlers = Handlers { on_step_error, ..maker.handlers() };
    let last = maker.names.last().cloned().unwrap_or_default();
    let output = match maker.choices.below(8) {
        7 => Some(json!("${ 1 / ctx.n }")),
        6 => Some(json!({"n": "${ ctx.n }", "last": format!("${{ steps.{last}.output }}")})),
        _ => None,
    };
    Plan {
        workflow: name("w"),
        rules: root.nodes.iter().map(Node::rules).fold(rules, u32::max),
        note: None,
        input_schema: None,
        triggers: vec![],
        timeout,
        tags: vec![],
        root,
        output,
        handlers,
        conduct,
        exchange: exchange(),
        concurrency,
        unique,
        config: [("n".to_owned(), json!(2))].into_iter().collect(),
    }
}

fn conduct(choices: &mut Choices) -> Conduct {
    Conduct {
        step_concurrency: match choices.below(12) {
            11 => Some("${ workflow.input.n }".to_owned()),
            8..=10 => Some((1 + choices.below(2)).to_string()),
            _ => None,
        },
        timeout: choices.chance(5).then(|| "${ workflow.input.n + 30 }".to_owned()),
        deadline: choices.chance(5).then(|| "2026-01-01T00:20:00Z".to_owned()),
        metadata: Value::Null,
        retry_workflow: choices.chance(40).then(|| RetryPolicy {
            attempts: 2 + choices.below(2) as u32,
            backoff: choices.one_of(&[Backoff::Fixed, Backoff::Custom { expression: "attempt".to_owned() }]),
            ..RetryPolicy::default()
        }),
        dead_letter: choices.chance(40).then_some(DeadLetters { ttl: DeadLetters::TTL }),
    }
}

/// What may be sent and asked at any time.
fn exchange() -> Exchange {
    let update = UpdateRule {
        schema: Some(json!({"type": "object"})),
        when: Some("update.n != 2".to_owned()),
        set: json!({"n": "${ update.n }"}),
        result: json!("${ ctx.n }"),
    };
    Exchange {
        signals: [].into(),
        queries: [(name("all"), json!("${ ctx }"))].into(),
        updates: [(name(UPDATE), update)].into(),
    }
}

struct Maker<'c> {
    choices: &'c mut Choices,
    names: Vec<String>,
}

impl Maker<'_> {
    fn dag(&mut self, depth: usize) -> Dag {
        let mut nodes: Vec<Node> = vec![];
        for _ in 0..=self.choices.below(if depth == 0 { 6 } else { 4 }) {
            let needs: Vec<Name> = nodes.iter().map(|node| node.name.clone()).collect();
            let after: Vec<Name> = needs.iter().filter(|_| self.choices.chance(25)).cloned().collect();
            let any = if self.choices.chance(15) { needs } else { vec![] };
            let after_any = any.into_iter().filter(|_| self.choices.chance(60)).collect();
            nodes.push(Node { after, after_any, ..self.node(depth) });
        }
        Dag { nodes }
    }

    /// Steps of which one is likely to fail.
    fn shaky(&mut self, depth: usize) -> Dag {
        let mut dag = self.dag(depth);
        if self.choices.chance(60) {
            let text = format!("n{}", self.names.len());
            self.names.push(text.clone());
            let raise = Raise { kind: "Broken".to_owned(), message: String::new(), details: Value::Null };
            let after = dag.nodes.iter().map(|node| node.name.clone()).filter(|_| self.choices.chance(30)).collect();
            dag.nodes.push(Node { after, ..Node::new(name(&text), Kind::Raise(raise)) });
        }
        dag
    }

    fn handlers(&mut self) -> Handlers {
        let mut handler = |text: &str| {
            let kind = match self.choices.below(4) {
                3 => Some(Kind::Dag(self.dag(1))),
                2 => Some(self.kind(DEEPEST)),
                _ => None,
            };
            kind.map(|kind| Box::new(Node::new(name(text), kind)))
        };
        Handlers {
            on_success: handler("on_success"),
            on_failure: handler("on_failure"),
            on_cancel: handler("on_cancel"),
            on_step_error: None,
        }
    }

    fn on_step_error(&mut self) -> Option<Box<Node>> {
        if !self.choices.chance(50) {
            return None;
        }
        let (when, on_error) = (self.condition(), self.on_error());
        let step = Kind::Step(self.step());
        Some(Box::new(Node { when, on_error, ..Node::new(name("on_step_error"), step) }))
    }

    /// Nodes that need nothing of one another.
    fn runners(&mut self, depth: usize) -> Dag {
        let count = 1 + self.choices.below(3);
        Dag { nodes: (0..count).map(|_| self.node(depth)).collect() }
    }

    fn node(&mut self, depth: usize) -> Node {
        // Names of which one begins like another.
        let text = format!("n{}", self.names.len());
        let when = self.condition();
        let on_error = self.on_error();
        self.names.push(text.clone());
        let kind = self.kind(depth);
        let kind = if depth < DEEPEST && self.choices.chance(12) { self.for_each(kind) } else { kind };
        // Among them the one that everything reads.
        let context_key = self.choices.chance(10).then(|| name(self.choices.one_of(&["n", "kept"])));
        Node { when, on_error, context_key, ..Node::new(name(&text), kind) }
    }

    fn on_error(&mut self) -> OnError {
        let four = [(5, OnError::Fail), (3, OnError::Skip), (3, OnError::Continue), (3, OnError::Pause)];
        self.choices.weighted(&four)
    }

    fn kind(&mut self, depth: usize) -> Kind {
        let deeper = depth < DEEPEST && self.names.len() < MOST_NODES;
        let (dag, other) = if deeper { (4, 2) } else { (0, 0) };
        let kinds = [
            (12, "step"),
            (3, "wait"),
            (3, "await"),
            (2, "signals"),
            (2, "event"),
            (2, "approval"),
            (1, "set"),
            (1, "raise"),
            (5, "child"),
            (2, "emit"),
            (dag, "dag"),
            (other, "race"),
            (other, "switch"),
            (other * 2, "try"),
        ];
        match self.choices.weighted(&kinds) {
            "wait" => Kind::Wait(Wait { duration: self.duration() }),
            "await" => Kind::Await(self.awaited(depth)),
            "signals" => Kind::AwaitSignals(self.signals(depth)),
            "approval" => Kind::Approval(self.approval(depth)),
            "event" => Kind::AwaitEvent(self.event(depth)),
            "dag" => Kind::Dag(self.dag(depth + 1)),
            "race" => Kind::Race(self.runners(depth + 1)),
            "switch" => {
                let count = 1 + self.choices.below(3);
                let case = |maker: &mut Self| Case { when: maker.condition(), steps: maker.dag(depth + 1) };
                Kind::Switch { cases: (0..count).map(|_| case(self)).collect() }
            }
            "try" => Kind::Try(Try {
                body: self.shaky(depth + 1),
                errors: if self.choices.chance(20) { vec!["Broken".to_owned()] } else { vec![] },
                catch: self.dag(depth + 1),
            }),
            "set" => {
                Kind::Set { values: json!({"n": "${ ctx.n + 1 }", "item": "${ item }", "error": "${ error.type }"}) }
            }
            "raise" => Kind::Raise(Raise {
                kind: self.choices.one_of(&["Broken", "Busy"]).to_owned(),
                message: "at ${ index }".to_owned(),
                details: json!({"item": "${ item }"}),
            }),
            "child" => Kind::Child(self.child()),
            "emit" => Kind::Emit(Emit {
                kind: "something.happened".to_owned(),
                source: None,
                subject: self.choices.chance(50).then(|| "${ index }".to_owned()),
                data: json!({"n": "${ ctx.n }"}),
            }),
            _ => Kind::Step(self.step()),
        }
    }

    fn for_each(&mut self, kind: Kind) -> Kind {
        let other = self.earlier();
        let items = match self.choices.below(8) {
            7 => json!("${ ctx.n }"),
            6 => json!(format!("${{ steps.{other}.output }}")),
            5 => json!([]),
            4 => json!([["${ item }"], 2, 3]),
            _ => json!([1, {"n": 2}]),
        };
        let body = Node { on_error: self.on_error(), ..Node::new(name("item"), kind) };
        let concurrency = 1 + self.choices.below(3) as u32;
        let computed_concurrency = self.choices.chance(10).then(|| "${ ctx.n }".to_owned());
        Kind::ForEach(ForEach { items, item: name("item"), concurrency, body: Box::new(body), computed_concurrency })
    }

    /// The name of an earlier node, wherever it stands.
    fn earlier(&mut self) -> String {
        if self.names.is_empty() { "n0".to_owned() } else { self.choices.one_of(&self.names) }
    }

    fn condition(&mut self) -> Option<String> {
        let other = self.earlier();
        match self.choices.below(14) {
            13 => Some("false".to_owned()),
            12 => Some(format!("steps.{other}.status == \"completed\"")),
            11 => Some(format!("steps.{other}.output.n > 2")),
            10 => Some("ctx.n != 3".to_owned()),
            _ => None,
        }
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}
