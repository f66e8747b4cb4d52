//! `on`: what starts executions.

use sagaline_lang::Document;

use super::{Keys, Maker, plain, put, text};

impl Maker<'_> {
    pub(super) fn triggers(&mut self) -> Document {
        self.one_or_more(|maker| match maker.tape.below(3) {
            0 => text("manual"),
            1 => maker.event(),
            _ => maker.schedule(),
        })
    }

    fn event(&mut self) -> Document {
        let mut keys = vec![];
        let types =
            self.one_or_more(|maker| text(*maker.tape.one_of(&["order.created", "order.*", "a.>", "null", "12"])));
        put(&mut keys, "event", types);
        for key in ["source", "subject"] {
            if self.tape.chance(2) {
                put(&mut keys, key, text(*self.tape.one_of(&["/shops/*", "*", "a: b", "12"])));
            }
        }
        if self.tape.chance(2) {
            let values = [text("acme*"), plain(5), plain(true), text("no")];
            let value = self.tape.one_of(&values).clone();
            put(&mut keys, "extensions", Document::Map(vec![("tenant".to_owned(), value)]));
        }
        if self.tape.chance(4) {
            let condition = self.of_event();
            put(&mut keys, "when", self.condition_of(condition));
        }
        if self.tape.chance(3) {
            put(&mut keys, "signal", text(*self.tape.one_of(&["paid", "12", "yes"])));
            put(&mut keys, "execution", text(self.event_text()));
            if self.tape.chance(5) {
                put(&mut keys, "data", self.event_value());
            }
            return Document::Map(keys);
        }
        if self.tape.chance(4) {
            put(&mut keys, "input", self.event_value());
        }
        match self.tape.below(4) {
            0 => put(&mut keys, "debounce", self.debounce()),
            1 => put(&mut keys, "batch", self.batch()),
            _ => {}
        }
        Document::Map(keys)
    }

    fn debounce(&mut self) -> Document {
        let mut keys = vec![];
        put(&mut keys, "for", text("5s"));
        if self.tape.chance(5) {
            put(&mut keys, "key", text(self.event_text()));
        }
        if self.tape.chance(5) {
            put(&mut keys, "max", text("1m"));
        }
        Document::Map(keys)
    }

    fn batch(&mut self) -> Document {
        let mut keys = vec![];
        put(&mut keys, "size", plain([100, 1, 1000][self.tape.below(3)]));
        put(&mut keys, "for", self.span());
        if self.tape.chance(5) {
            put(&mut keys, "key", text(self.event_text()));
        }
        Document::Map(keys)
    }

    fn schedule(&mut self) -> Document {
        let mut keys: Keys = vec![];
        match self.tape.below(4) {
            0 => {
                let one = |maker: &mut Self| {
                    text(*maker.tape.one_of(&["0 6 * * *", "@daily", "*/5 * * * * *", "30 2 1,15 * MON-FRI"]))
                };
                let cron = self.one_or_more(one);
                put(&mut keys, "cron", cron);
                if self.tape.chance(5) {
                    put(&mut keys, "timezone", text(*self.tape.one_of(&["Europe/Berlin", "UTC"])));
                }
            }
            1 => put(&mut keys, "every", self.every()),
            2 => {
                let at = self.one_or_more(Self::moment);
                put(&mut keys, "at", at);
            }
            _ => put(&mut keys, "in", self.span()),
        }
        let is_delay = keys.iter().any(|(key, _)| key == "in");
        if !is_delay && self.tape.chance(2) {
            put(&mut keys, "start_at", text("2026-01-01T00:00:00Z"));
        }
        if !is_delay && self.tape.chance(2) {
            put(&mut keys, "end_at", text("2036-01-01T00:00:00.5Z"));
        }
        if self.tape.chance(2) {
            put(&mut keys, "jitter", text("500ms"));
        }
        if self.tape.chance(4) {
            put(&mut keys, "overlap", text(*self.tape.one_of(&["skip", "allow", "queue_one", "cancel_running"])));
        }
        if self.tape.chance(2) {
            put(&mut keys, "catch_up", text(*self.tape.one_of(&["1h", "0s"])));
        }
        if self.tape.chance(2) {
            put(&mut keys, "limit", self.count());
        }
        if self.tape.chance(4) {
            put(&mut keys, "input", self.fixed_value());
        }
        Document::Map(keys)
    }

    fn every(&mut self) -> Document {
        if self.tape.chance(5) {
            return text(*self.tape.one_of(&["5m", "1d"]));
        }
        let mut keys = vec![];
        put(&mut keys, "period", text("90s"));
        if self.tape.chance(5) {
            put(&mut keys, "anchor", text("2026-01-01T00:00:00Z"));
        }
        if self.tape.chance(5) {
            put(&mut keys, "offset", text(*self.tape.one_of(&["5s", "0s"])));
        }
        Document::Map(keys)
    }
}
