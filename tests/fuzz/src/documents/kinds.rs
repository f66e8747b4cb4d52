//! What steps do.

use sagaline_lang::Document;

use super::{Around, Keys, Maker, plain, put, text};

impl Maker<'_> {
    /// Whether it is an activity, and whether it may return further steps.
    pub(super) fn kind(&mut self, keys: &mut Keys, around: &Around) -> (bool, bool) {
        let all = if self.may_nest(around) { 16 } else { 12 };
        match self.tape.below(all) {
            0..=3 => {
                let expands = !around.in_handler && self.tape.chance(2);
                self.activity(keys, around, expands);
                return (true, expands);
            }
            4 => put(keys, "wait", self.duration(around)),
            5..=7 => put(keys, "await", self.awaited(around)),
            8 => put(keys, "set", self.map_value(around)),
            9 => put(keys, "raise", self.raise(around)),
            10 => put(keys, "child", self.child(around)),
            11 => put(keys, "emit", self.emit(around)),
            12 => {
                let steps = self.some_steps(&around.deeper());
                put(keys, "steps", Document::Map(steps));
            }
            13 => {
                let steps = self.racing(&around.deeper());
                put(keys, "race", Document::Map(steps));
            }
            14 => put(keys, "switch", self.switch(around)),
            _ => self.attempt(keys, around),
        }
        (false, false)
    }

    pub(super) fn activity(&mut self, keys: &mut Keys, around: &Around, expands: bool) {
        self.task(keys, around);
        if self.tape.chance(2) {
            put(keys, "deadline", self.deadline(around));
        }
        if self.tape.chance(2) {
            put(keys, "metadata", self.fixed_value());
        }
        if expands {
            put(keys, "expand", self.expand());
        }
        if self.tape.chance(2) {
            put(keys, "breaker", self.breaker());
        }
        if self.tape.chance(2) {
            put(keys, "rate_limit", self.rates(around));
        }
        if self.tape.chance(2) {
            put(keys, "limit", self.places(around));
        }
        if !around.in_handler && self.tape.chance(2) {
            put(keys, "compensate", self.compensate(around));
        }
    }

    /// What an activity has wherever it stands.
    fn task(&mut self, keys: &mut Keys, around: &Around) {
        put(keys, "activity", self.activity_name());
        if self.tape.chance(5) {
            put(keys, "input", self.value(around));
        }
        if self.tape.chance(2) {
            put(keys, "queue", text(*self.tape.one_of(&["images", "default", "12"])));
        }
        for key in ["timeout", "schedule_timeout", "total_timeout", "heartbeat"] {
            if self.tape.chance(2) {
                put(keys, key, self.duration(around));
            }
        }
        if self.tape.chance(3) {
            put(keys, "retry", self.retry(around));
        }
    }

    fn expand(&mut self) -> Document {
        match self.tape.below(4) {
            0 => plain(true),
            1 => Document::Map(vec![]),
            2 => Document::Map(vec![("queues".to_owned(), text("images"))]),
            _ => {
                let queues = Document::List(vec![text("images"), text("null")]);
                Document::Map(vec![("concurrency".to_owned(), self.count()), ("queues".to_owned(), queues)])
            }
        }
    }

    fn breaker(&mut self) -> Document {
        if self.tape.chance(3) {
            return text("payments");
        }
        let mut keys = vec![];
        put(&mut keys, "name", text(*self.tape.one_of(&["payments", "12"])));
        for key in ["threshold", "probes"] {
            if self.tape.chance(4) {
                put(&mut keys, key, self.count());
            }
        }
        for key in ["window", "reset"] {
            if self.tape.chance(4) {
                put(&mut keys, key, self.span());
            }
        }
        if self.tape.chance(4) {
            put(&mut keys, "when_open", text(*self.tape.one_of(&["delay", "fail"])));
        }
        Document::Map(keys)
    }

    fn rates(&mut self, around: &Around) -> Document {
        let mut number = 0;
        self.one_or_more(|maker| {
            number += 1;
            let mut keys = vec![];
            put(&mut keys, "limit", maker.count());
            put(&mut keys, "per", maker.span());
            if maker.tape.chance(5) {
                put(&mut keys, "burst", maker.count());
            }
            if number > 1 || maker.tape.chance(5) {
                put(&mut keys, "name", text(format!("r{number}")));
            }
            if maker.tape.chance(5) {
                put(&mut keys, "key", text(maker.template_text(around)));
            }
            Document::Map(keys)
        })
    }

    fn places(&mut self, around: &Around) -> Document {
        let mut number = 0;
        self.one_or_more(|maker| {
            number += 1;
            if number == 1 && maker.tape.chance(5) {
                return maker.count();
            }
            let mut keys = vec![];
            put(&mut keys, "limit", maker.count());
            put(&mut keys, "name", text(format!("{number}")));
            if maker.tape.chance(5) {
                put(&mut keys, "key", text(maker.template_text(around)));
            }
            Document::Map(keys)
        })
    }

    fn compensate(&mut self, around: &Around) -> Document {
        let around = around.and(&["output.booking", "outcome", "input.id", "idempotency_key", "error.type"]);
        let actions = self.one_or_more(|maker| maker.compensation(&around));
        if self.tape.chance(4) {
            let mut keys = vec![];
            put(&mut keys, "actions", actions);
            if self.tape.chance(7) {
                put(&mut keys, "on", text(*self.tape.one_of(&["attempted", "effected"])));
            }
            return Document::Map(keys);
        }
        actions
    }

    fn compensation(&mut self, around: &Around) -> Document {
        if self.tape.chance(4) {
            return self.activity_name();
        }
        let mut keys = vec![];
        put(&mut keys, "activity", self.activity_name());
        if self.tape.chance(5) {
            put(&mut keys, "input", self.value(around));
        }
        if self.tape.chance(3) {
            put(&mut keys, "timeout", self.duration(around));
        }
        if self.tape.chance(4) {
            put(&mut keys, "retry", self.fixed_retry());
        }
        if self.tape.chance(4) {
            put(&mut keys, "allow_skip", plain(self.tape.chance(7)));
        }
        if self.tape.chance(3) {
            put(&mut keys, "queue", text("undo"));
        }
        if self.tape.chance(3) {
            put(&mut keys, "metadata", self.fixed_value());
        }
        Document::Map(keys)
    }

    fn awaited(&mut self, around: &Around) -> Document {
        let signal = |maker: &mut Self| text(*maker.tape.one_of(&["approved", "12", "null", "paid"]));
        let mut keys = vec![];
        match self.tape.below(5) {
            0 => return signal(self),
            1 => put(&mut keys, "signal", signal(self)),
            2 => {
                let signals = match self.tape.below(2) {
                    0 => signal(self),
                    _ => Document::List(vec![text("packed"), signal(self)]),
                };
                put(&mut keys, "signals", signals);
                if self.tape.chance(5) {
                    put(&mut keys, "need", text(*self.tape.one_of(&["all", "any"])));
                }
            }
            3 => put(&mut keys, "approval", self.approval(around)),
            _ => self.waited_event(&mut keys, around),
        }
        if self.tape.chance(5) {
            put(&mut keys, "timeout", self.duration(around));
        }
        match self.tape.below(5) {
            0 => put(&mut keys, "on_timeout", text("skip")),
            1 => put(&mut keys, "on_timeout", text("fail")),
            2 if self.may_nest(around) => {
                let steps = self.some_steps(&around.deeper());
                let inside = Document::Map(vec![("steps".to_owned(), Document::Map(steps))]);
                put(&mut keys, "on_timeout", inside);
            }
            _ => {}
        }
        Document::Map(keys)
    }

    fn approval(&mut self, around: &Around) -> Document {
        let mut keys = vec![];
        if self.tape.chance(6) {
            let approvers = match self.tape.below(3) {
                0 => text("ann"),
                1 => self.whole(around),
                _ => Document::List(vec![text("ann"), text("no"), self.whole(around)]),
            };
            put(&mut keys, "approvers", approvers);
        }
        if self.tape.chance(5) {
            let mut inside = vec![];
            if self.tape.chance(5) {
                put(&mut inside, "event", text("approval.wanted"));
                if self.tape.chance(5) {
                    put(&mut inside, "data", self.value(around));
                }
            } else {
                self.task(&mut inside, around);
            }
            put(&mut keys, "notify", Document::Map(inside));
        }
        Document::Map(keys)
    }

    fn waited_event(&mut self, keys: &mut Keys, around: &Around) {
        put(keys, "event", text(*self.tape.one_of(&["payment.received", "12", "null"])));
        match self.tape.below(3) {
            0 => {
                let mut fields = vec![("order_id".to_owned(), text(self.template_text(around)))];
                if self.tape.chance(5) {
                    fields.push((self.still_text(), self.value(around)));
                }
                put(keys, "match", Document::Map(fields));
            }
            1 => {
                let event = text(format!("${{ {} }}", self.of_event()));
                let both = vec![("event".to_owned(), event), ("with".to_owned(), self.value(around))];
                put(keys, "correlate", Document::Map(both));
            }
            _ => {}
        }
        if self.tape.chance(5) {
            let condition = self.of_event();
            put(keys, "when", self.condition_of(condition));
        }
        if self.tape.chance(4) {
            put(keys, "keep", text(*self.tape.one_of(&["10m", "0s", "24h"])));
        }
    }

    fn switch(&mut self, around: &Around) -> Document {
        let many = 1 + self.tape.below(3);
        let mut cases = vec![];
        for at in 0..many {
            let mut keys = vec![];
            if at + 1 < many || self.tape.chance(5) {
                put(&mut keys, "when", self.condition(around));
            }
            let steps = self.some_steps(&around.deeper());
            put(&mut keys, "steps", Document::Map(steps));
            cases.push(Document::Map(keys));
        }
        Document::List(cases)
    }

    fn attempt(&mut self, keys: &mut Keys, around: &Around) {
        let body = self.some_steps(&around.deeper());
        put(keys, "try", Document::Map(body));
        let mut inside = vec![];
        if self.tape.chance(5) {
            let errors = self.one_or_more(|maker| text(*maker.tape.one_of(&["CardDeclined", "Timeout", "null"])));
            put(&mut inside, "errors", errors);
        }
        let steps = self.some_steps(&around.deeper().and(&["error.type", "error.message"]));
        put(&mut inside, "steps", Document::Map(steps));
        put(keys, "catch", Document::Map(inside));
    }

    fn raise(&mut self, around: &Around) -> Document {
        if self.tape.chance(3) {
            return text(*self.tape.one_of(&["SoldOut", "Error", "12"]));
        }
        let mut keys = vec![];
        if self.tape.chance(7) {
            put(&mut keys, "type", text(*self.tape.one_of(&["SoldOut", "Error", "a: b"])));
        }
        if self.tape.chance(6) {
            put(&mut keys, "message", text(self.template_text(around)));
        }
        if self.tape.chance(5) {
            put(&mut keys, "details", self.value(around));
        }
        Document::Map(keys)
    }

    fn child(&mut self, around: &Around) -> Document {
        if self.tape.chance(3) {
            return text(*self.tape.one_of(&["ship", "12"]));
        }
        let mut keys = vec![];
        put(&mut keys, "workflow", text(*self.tape.one_of(&["ship", "null"])));
        if self.tape.chance(3) {
            put(&mut keys, "version", self.count());
        }
        if self.tape.chance(3) {
            put(&mut keys, "id", text(self.template_text(around)));
        }
        if self.tape.chance(5) {
            put(&mut keys, "input", self.value(around));
        }
        if self.tape.chance(3) {
            put(&mut keys, "queue", text("slow"));
        }
        let waits = self.tape.chance(6);
        if !waits || self.tape.chance(3) {
            put(&mut keys, "wait", plain(waits));
        }
        if waits && self.tape.chance(5) {
            put(&mut keys, "timeout", self.duration(around));
        }
        if self.tape.chance(4) {
            put(&mut keys, "on_parent_end", text(*self.tape.one_of(&["cancel", "abandon"])));
        }
        Document::Map(keys)
    }

    fn emit(&mut self, around: &Around) -> Document {
        if self.tape.chance(3) {
            return text(*self.tape.one_of(&["order.paid", "12"]));
        }
        let mut keys = vec![];
        put(&mut keys, "type", text("order.paid"));
        for key in ["source", "subject"] {
            if self.tape.chance(4) {
                put(&mut keys, key, text(self.template_text(around)));
            }
        }
        if self.tape.chance(5) {
            put(&mut keys, "data", self.value(around));
        }
        Document::Map(keys)
    }
}
