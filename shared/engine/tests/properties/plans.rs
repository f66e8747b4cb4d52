//! Random plans: steps inside steps, every kind, retries, limits, conditions, ways to fail.

use sagaline_model::{
    ActivityName, Await, Backoff, Dag, Kind, Name, Node, OnError, OnTimeout, Plan, RetryPolicy, Span, Step, Wait,
};
use serde_json::{Value, json};

use crate::choices::Choices;

/// A plan has at most about so many nodes: enough for every constellation, few enough for many cases.
const MOST_NODES: usize = 24;
const DEEPEST: usize = 4;

pub(crate) const SIGNALS: [&str; 2] = ["go", "stop"];

pub(crate) fn plan(choices: &mut Choices) -> Plan {
    let timeout = choices.chance(25).then(|| Span::from_secs(5 + choices.below(60) as u64));
    let mut maker = Maker { choices, names: vec![] };
    let root = maker.dag(0);
    let last = maker.names.last().cloned().unwrap_or_default();
    let output = match maker.choices.below(8) {
        7 => Some(json!("${ 1 / ctx.n }")),
        6 => Some(json!({"n": "${ ctx.n }", "last": format!("${{ steps.{last}.output }}")})),
        _ => None,
    };
    Plan {
        workflow: name("w"),
        rules: Plan::FIRST_RULES,
        note: None,
        input_schema: None,
        triggers: vec![],
        timeout,
        tags: vec![],
        root,
        output,
    }
}

struct Maker<'c> {
    choices: &'c mut Choices,
    names: Vec<String>,
}

impl Maker<'_> {
    fn dag(&mut self, depth: usize) -> Dag {
        let mut nodes: Vec<Node> = vec![];
        for _ in 0..=self.choices.below(if depth == 0 { 6 } else { 5 }) {
            let needs: Vec<Name> = nodes.iter().map(|node| node.name.clone()).collect();
            let after = needs.into_iter().filter(|_| self.choices.chance(25)).collect();
            nodes.push(self.node(after, depth));
        }
        Dag { nodes }
    }

    fn node(&mut self, after: Vec<Name>, depth: usize) -> Node {
        // Names of which one begins like another.
        let text = format!("n{}", self.names.len());
        let when = self.condition();
        let on_error = self.choices.weighted(&[(5, OnError::Fail), (3, OnError::Skip), (3, OnError::Continue)]);
        self.names.push(text.clone());
        let dag = if depth < DEEPEST && self.names.len() < MOST_NODES { 5 } else { 0 };
        let kind = match self.choices.weighted(&[(8, "step"), (2, "wait"), (2, "await"), (dag, "dag")]) {
            "wait" => Kind::Wait(Wait { duration: self.duration() }),
            "await" => Kind::Await(self.awaited()),
            "dag" => Kind::Dag(self.dag(depth + 1)),
            _ => Kind::Step(self.step()),
        };
        Node { name: name(&text), after, when, on_error, kind }
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

    fn duration(&mut self) -> String {
        let fixed = ["1s", "3s", "0ms", "1m"];
        match self.choices.below(10) {
            9 => "${ ctx.n }".to_owned(),
            8 => "${ \"2s\" }".to_owned(),
            other => fixed[other % 4].to_owned(),
        }
    }

    fn awaited(&mut self) -> Await {
        Await {
            signal: name(self.choices.one_of(&SIGNALS)),
            timeout: self.choices.chance(50).then(|| self.duration()),
            on_timeout: if self.choices.chance(50) { OnTimeout::Skip } else { OnTimeout::Fail },
        }
    }

    fn step(&mut self) -> Step {
        let other = self.earlier();
        let input = match self.choices.below(10) {
            9 => json!(format!("${{ steps.{other}.output.n + 1 }}")),
            8 => json!({"all": "${ ctx }", "text": format!("{other} is ${{ steps.{other}.status }}")}),
            7 => json!(format!("${{ steps.{other}.error }}")),
            6 => json!({"literal": [1, 2.5]}),
            _ => Value::Null,
        };
        Step {
            activity: ActivityName::new("some.activity").unwrap(),
            queue: name(self.choices.one_of(&["default", "slow"])),
            input,
            timeout: self.choices.chance(50).then(|| self.duration()),
            retry: self.retry(),
        }
    }

    fn retry(&mut self) -> RetryPolicy {
        let types = |choices: &mut Choices| if choices.chance(15) { vec!["Busy".to_owned()] } else { vec![] };
        RetryPolicy {
            attempts: 1 + self.choices.below(4) as u32,
            initial: Span::from_millis(self.choices.one_of(&[1000, 10, 0, 7777])),
            backoff: match self.choices.below(6) {
                5 => Backoff::Custom { expression: "1 / ctx.n".to_owned() },
                4 => Backoff::Custom { expression: "attempt * 1.1".to_owned() },
                3 => Backoff::Exponential { multiplier: 1.7 },
                2 => Backoff::Linear,
                _ => Backoff::Fixed,
            },
            max: self.choices.chance(20).then(|| Span::from_secs(2)),
            jitter: self.choices.chance(40),
            retry_on: types(self.choices),
            no_retry_on: types(self.choices),
        }
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}
