//! The top of a definition.

use sagaline_lang::Document;

use super::{Around, Keys, Maker, plain, put, text};

impl Maker<'_> {
    pub(super) fn workflow(mut self) -> Document {
        let mut keys: Keys = vec![];
        let whole = Around::default();
        put(&mut keys, "workflow", text(*self.tape.one_of(&["w", "order_fulfillment", "12", "null", "a-b"])));
        let steps = self.some_steps(&Around { depth: 1, ..Around::default() });
        let read: Vec<String> = steps.iter().map(|(name, _)| format!("steps[\"{name}\"].status")).collect();
        let at_the_end = Around { readable: read, ..Around::default() };
        put(&mut keys, "steps", Document::Map(steps));
        if self.tape.chance(3) {
            put(&mut keys, "version_note", text(self.still_text()));
        }
        if self.tape.chance(3) {
            let tags = self.one_or_more(|maker| text(*maker.tape.one_of(&["orders", "team=blue", "a: b", "yes"])));
            put(&mut keys, "tags", tags);
        }
        if self.tape.chance(3) {
            put(&mut keys, "metadata", self.fixed_value());
        }
        if self.tape.chance(5) {
            put(&mut keys, "on", self.triggers());
        }
        if self.tape.chance(3) {
            put(&mut keys, "input_schema", self.schema());
        }
        for (key, of) in
            [("timeout", Self::duration as fn(&mut Self, &Around) -> Document), ("step_timeout", Self::duration)]
                .into_iter()
                .chain([
                    ("deadline", Self::deadline as fn(&mut Self, &Around) -> Document),
                    ("step_concurrency", Self::amount),
                ])
        {
            if self.tape.chance(3) {
                put(&mut keys, key, of(&mut self, &whole));
            }
        }
        if self.tape.chance(4) {
            // That of all steps may read any of them.
            put(&mut keys, "retry", self.retry(&at_the_end));
        }
        if self.tape.chance(2) {
            put(&mut keys, "retry_workflow", self.retry(&whole));
        }
        if self.tape.chance(3) {
            put(&mut keys, "dead_letter", self.dead_letter());
        }
        if self.tape.chance(3) {
            put(&mut keys, "concurrency", self.concurrency(&whole));
        }
        if self.tape.chance(3) {
            put(&mut keys, "unique", self.unique(&whole));
        }
        self.exchange(&mut keys, &at_the_end);
        if self.tape.chance(4) {
            put(&mut keys, "output", self.value(&at_the_end));
        }
        for key in ["on_success", "on_failure", "on_cancel"] {
            if self.tape.chance(2) {
                let around = Around { depth: 2, in_handler: true, ..at_the_end.and(&["outcome.step", "error.type"]) };
                let (handler, _) = self.step(&around, &[], false, key);
                put(&mut keys, key, handler);
            }
        }
        if self.tape.chance(2) {
            let around = Around { depth: 2, in_handler: true, ..whole.and(&["outcome.step", "error.message"]) };
            let mut inside = vec![];
            if self.tape.chance(5) {
                put(&mut inside, "when", self.condition(&around));
            }
            self.activity(&mut inside, &around, false);
            put(&mut keys, "on_step_error", Document::Map(inside));
        }
        Document::Map(keys)
    }

    fn dead_letter(&mut self) -> Document {
        match self.tape.below(4) {
            0 => plain(true),
            1 => plain(false),
            2 => Document::Map(vec![]),
            _ => Document::Map(vec![("ttl".to_owned(), self.span())]),
        }
    }

    fn concurrency(&mut self, around: &Around) -> Document {
        if self.tape.chance(3) {
            return self.count();
        }
        let mut keys = vec![];
        put(&mut keys, "limit", self.count());
        if self.tape.chance(5) {
            put(&mut keys, "key", text(self.template_text(around)));
        }
        if self.tape.chance(5) {
            put(&mut keys, "on_limit", text(*self.tape.one_of(&["queue", "skip", "cancel_old"])));
        }
        if self.tape.chance(3) {
            put(&mut keys, "pool", text("heavy"));
        }
        Document::Map(keys)
    }

    fn unique(&mut self, around: &Around) -> Document {
        let mut keys = vec![];
        put(&mut keys, "key", text(self.template_text(around)));
        put(&mut keys, "for", self.span());
        if self.tape.chance(5) {
            put(&mut keys, "until", text(*self.tape.one_of(&["end", "success", "expiry"])));
        }
        Document::Map(keys)
    }

    fn exchange(&mut self, keys: &mut Keys, around: &Around) {
        if self.tape.chance(2) {
            let mut inside = vec![];
            if self.tape.chance(7) {
                put(&mut inside, "schema", self.schema());
            }
            put(keys, "signals", Document::Map(vec![("paid".to_owned(), Document::Map(inside))]));
        }
        if self.tape.chance(2) {
            let queries = vec![("progress".to_owned(), self.value(around)), ("12".to_owned(), self.value(around))];
            put(keys, "queries", Document::Map(queries));
        }
        if self.tape.chance(2) {
            let around = around.and(&["update.by", "update.by <= 100"]);
            let mut inside = vec![];
            if self.tape.chance(5) {
                put(&mut inside, "schema", self.schema());
            }
            if self.tape.chance(5) {
                put(&mut inside, "when", self.condition(&around));
            }
            if self.tape.chance(5) {
                put(&mut inside, "set", self.map_value(&around));
            }
            if self.tape.chance(5) {
                put(&mut inside, "result", self.value(&around));
            }
            put(keys, "updates", Document::Map(vec![("raise_limit".to_owned(), Document::Map(inside))]));
        }
    }

    pub(super) fn retry(&mut self, around: &Around) -> Document {
        let around = around.and(&["attempt * 2", "error.type == 'Busy: #1' ? 5 : 60"]);
        let mut keys = self.fixed_retry();
        if let Document::Map(keys) = &mut keys {
            for key in ["initial", "max", "backoff"] {
                if self.tape.chance(1) {
                    keys.retain(|(other, _)| other != key);
                    let whole = self.whole(&around);
                    put(keys, key, whole);
                }
            }
        }
        keys
    }

    /// One of which nothing is computed.
    pub(super) fn fixed_retry(&mut self) -> Document {
        if self.tape.chance(3) {
            return self.count();
        }
        let mut keys = vec![];
        if self.tape.chance(6) {
            put(&mut keys, "attempts", self.count());
        }
        for key in ["initial", "max"] {
            if self.tape.chance(3) {
                put(&mut keys, key, self.span());
            }
        }
        if self.tape.chance(5) {
            put(&mut keys, "backoff", text(*self.tape.one_of(&["fixed", "linear", "exponential"])));
        }
        if self.tape.chance(3) {
            put(&mut keys, "multiplier", plain([2.0, 3.0, 1.5][self.tape.below(3)]));
        }
        if self.tape.chance(3) {
            put(&mut keys, "jitter", plain(self.tape.chance(7)));
        }
        for key in ["retry_on", "no_retry_on"] {
            if self.tape.chance(3) {
                let kinds = match self.tape.below(3) {
                    0 => Document::List(vec![]),
                    _ => self.one_or_more(|maker| text(*maker.tape.one_of(&["Busy", "Timeout", "null", "a: b"]))),
                };
                put(&mut keys, key, kinds);
            }
        }
        Document::Map(keys)
    }
}
