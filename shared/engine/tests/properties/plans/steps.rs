//! Steps for executors, with all that goes with one: retries, limits, gates, breakers, compensations; and children.

use sagaline_model::{
    ActivityName, Backoff, Breaker, BreakerRule, Child, Compensate, CompensateOn, Compensation, Expand, Gate,
    OnParentEnd, PlacesGate, RateGate, RateRule, RetryPolicy, Span, Step, StepDefaults, StepLimits, WhenOpen,
};
use serde_json::{Value, json};

use super::{Maker, name};
use crate::choices::Choices;

impl Maker<'_> {
    pub(super) fn step(&mut self) -> Step {
        let other = self.earlier();
        let input = match self.choices.below(10) {
            9 => json!(format!("${{ steps.{other}.output.n + 1 }}")),
            8 => {
                json!({"all": "${ ctx }", "of_project": "${ config.n }", "text": format!("{other} is ${{ steps.{other}.status }}")})
            }
            7 => json!(format!("${{ steps.{other}.error }}")),
            6 => json!({"literal": [1, 2.5]}),
            5 => json!(["${ item }", "${ index }", "${ error }"]),
            _ => Value::Null,
        };
        Step {
            activity: ActivityName::new("some.activity").unwrap(),
            queue: name(self.choices.one_of(&["default", "slow"])),
            input,
            timeout: self.choices.chance(50).then(|| self.duration()),
            limits: self.limits(),
            retry: self.retry(),
            metadata: Value::Null,
            expand: self.choices.chance(40).then(|| {
                Box::new(Expand {
                    concurrency: 1 + self.choices.below(3) as u32,
                    queues: vec![name("default"), name("extra")],
                    defaults: StepDefaults {
                        timeout: self.choices.chance(20).then(|| self.duration()),
                        retry: self.choices.chance(70).then(|| self.retry()),
                        gates: [(name("extra"), self.gates())].into(),
                    },
                })
            }),
            breaker: self.breaker().map(Box::new),
            compensate: self.compensate(),
            gates: self.gates(),
        }
    }

    fn gates(&mut self) -> Vec<Gate> {
        if !self.choices.chance(30) {
            return vec![];
        }
        let key = |choices: &mut Choices| choices.chance(30).then(|| "${ ctx.n }".to_owned());
        let rate = self.choices.chance(75).then(|| {
            let rule = RateRule { limit: 1, per: Span::from_secs(1), burst: None };
            Gate::Rate(RateGate { name: name("fast"), key: key(self.choices), rule })
        });
        let places = (0..self.choices.weighted(&[(2, 0), (3, 1), (1, 2)])).map(|number: usize| {
            let name = name(["one", "two"][number]);
            Gate::Places(PlacesGate { name, key: key(self.choices), limit: 2 })
        });
        places.chain(rate).collect()
    }

    fn compensate(&mut self) -> Option<Box<Compensate>> {
        if !self.choices.chance(75) {
            return None;
        }
        let action = |choices: &mut Choices| Compensation {
            activity: ActivityName::new("some.undoing").unwrap(),
            queue: None,
            input: match choices.below(4) {
                3 => json!(["${ output.n }", "${ item }", "${ ctx.n }", "${ outcome }"]),
                2 => json!("${ 1 / output.n }"),
                _ => Value::Null,
            },
            timeout: choices.chance(20).then(|| "${ ctx.n }".to_owned()),
            retry: Compensation::patience(),
            allow_skip: choices.chance(20),
            metadata: Value::Null,
        };
        let actions = (0..=self.choices.below(2)).map(|_| action(self.choices)).collect();
        let on = self.choices.one_of(&[CompensateOn::Effected, CompensateOn::Attempted]);
        Some(Box::new(Compensate { actions, on }))
    }

    pub(super) fn child(&mut self) -> Child {
        let wait = self.choices.chance(70);
        Child {
            workflow: name("other"),
            version: None,
            // In a loop the second of the same name would be another execution's: a story of its own.
            id: None,
            input: if self.choices.chance(50) { json!({"n": "${ ctx.n }"}) } else { json!([1]) },
            queue: self.choices.chance(20).then(|| name("slow")),
            wait,
            timeout: self.choices.chance(40).then(|| self.duration()),
            on_parent_end: if self.choices.chance(30) { OnParentEnd::Abandon } else { OnParentEnd::Cancel },
        }
    }

    fn breaker(&mut self) -> Option<Breaker> {
        let when_open = if self.choices.chance(20) { WhenOpen::Fail } else { WhenOpen::Delay };
        let breaker = Breaker { name: name("b"), rule: BreakerRule::default(), when_open };
        self.choices.chance(45).then_some(breaker)
    }

    fn limits(&mut self) -> StepLimits {
        StepLimits {
            schedule_timeout: self.choices.chance(20).then(|| self.duration()),
            total_timeout: self.choices.chance(20).then(|| self.duration()),
            heartbeat: self.choices.chance(10).then(|| self.duration()),
            deadline: self.choices.chance(10).then(|| {
                self.choices.one_of(&["2026-01-01T00:00:30Z", "${ '2026-01-01T00:01:00Z' }", "${ ctx.n }"]).to_owned()
            }),
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
            computed_initial: self
                .choices
                .chance(15)
                .then(|| self.choices.one_of(&["${ attempt }", "${ '3s' }", "${ ctx.n }"]).to_owned()),
            computed_max: self
                .choices
                .chance(10)
                .then(|| self.choices.one_of(&["${ attempt * 2 }", "${ ctx.x }", "${ error.type }"]).to_owned()),
        }
    }
}
