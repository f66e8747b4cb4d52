//! The hunt itself: texts are broken, fed, and kept if they led to something new.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    Form,
    check::{Finding, Signs, check, patience},
    documents::definition,
    mutate::mutate,
    random::Random,
    watchdog::{self, Watchdog},
};

/// When a hunt ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    Runs(u64),
    Time(Duration),
}

pub struct Hunt {
    form: Form,
    random: Random,
    /// What is broken: what it began with, and what was kept.
    texts: Vec<String>,
    signs: Signs,
    runs: u64,
    kept: Vec<String>,
    findings: Vec<(String, Finding)>,
    told: BTreeSet<String>,
    watchdog: Watchdog,
}

/// What came of it.
pub struct Result {
    pub runs: u64,
    /// Kinds of answers that were seen.
    pub signs: usize,
    /// Texts that led to something new, as short as could be.
    pub kept: Vec<String>,
    pub findings: Vec<(String, Finding)>,
}

impl Hunt {
    /// What hangs is kept in the folder, and ends the process.
    pub fn new(form: Form, seed: u64, seeds: Vec<String>, folder: &Path) -> Self {
        Self {
            form,
            random: Random::new(seed),
            texts: seeds,
            signs: Signs::new(),
            runs: 0,
            kept: vec![],
            findings: vec![],
            told: BTreeSet::new(),
            watchdog: Watchdog::keeping(folder.to_owned()),
        }
    }

    pub fn run(mut self, until: Until) -> Result {
        let begun = Instant::now();
        for text in self.texts.clone() {
            self.feed(&text, false);
        }
        loop {
            let is_over = match until {
                Until::Runs(runs) => runs <= self.runs,
                Until::Time(time) => time <= begun.elapsed(),
            };
            if is_over {
                break;
            }
            let text = self.next();
            self.feed(&text, true);
        }
        Result { runs: self.runs, signs: self.signs.len(), kept: self.kept, findings: self.findings }
    }

    /// What was kept last is broken as often as all before it.
    fn next(&mut self) -> String {
        let random = &mut self.random;
        if self.form == Form::Yaml && random.below(5) == 0 {
            let length = random.below(600);
            let tape = random.bytes(length);
            let whole = sagaline_lang::yaml(&[definition(&tape)]);
            return if random.below(3) == 0 { whole } else { mutate(random, self.form, &whole, &self.texts) };
        }
        let recent = self.kept.len().min(64);
        let text = if 0 < recent && random.below(2) == 0 {
            self.texts[self.texts.len() - 1 - random.below(recent)].clone()
        } else {
            random.one_of(&self.texts).clone()
        };
        mutate(random, self.form, &text, &self.texts)
    }

    fn feed(&mut self, text: &str, is_new: bool) {
        self.runs += 1;
        let watchdog = &self.watchdog;
        match watched(watchdog, self.form, text) {
            Ok(signs) => {
                let new: Signs = signs.difference(&self.signs).cloned().collect();
                if new.is_empty() {
                    return;
                }
                self.signs.extend(signs);
                if is_new {
                    let form = self.form;
                    let text = shortened(text, |text| {
                        self.runs += 1;
                        watched(watchdog, form, text).is_ok_and(|signs| new.is_subset(&signs))
                    });
                    self.kept.push(text.clone());
                    self.texts.push(text);
                }
            }
            Err(finding) => {
                // One of a kind is enough.
                let head: String = finding.what.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
                if self.told.insert(head.clone()) {
                    let form = self.form;
                    let text = shortened(text, |text| {
                        self.runs += 1;
                        watched(watchdog, form, text).is_err_and(|other| {
                            other.what.chars().filter(|c| !c.is_ascii_digit()).take(60).collect::<String>() == head
                        })
                    });
                    self.findings.push((text, finding));
                }
            }
        }
    }
}

/// What is slow is a finding when it ends; what never ends is none, and is noticed beside it.
pub fn watched(watchdog: &Watchdog, form: Form, text: &str) -> std::result::Result<Signs, Finding> {
    watchdog.over(form, text, watchdog::PATIENCE + patience(form, text), || check(form, text))
}

/// Leaves out lines, then pieces of lines, for as long as it leads to the same. Tries a bounded number of times.
fn shortened(text: &str, mut is_the_same: impl FnMut(&str) -> bool) -> String {
    const MOST_TRIES: usize = 150;
    let mut text: Vec<char> = text.chars().collect();
    let mut tries = 0;
    for is_lines in [true, false] {
        let mut size = if is_lines { text.len() / 2 } else { 16 };
        while 0 < size && tries < MOST_TRIES {
            let mut at = 0;
            while at < text.len() && tries < MOST_TRIES {
                let end = (at + size).min(text.len());
                let shorter: Vec<char> = text[..at].iter().chain(&text[end..]).copied().collect();
                tries += 1;
                if is_the_same(&shorter.iter().collect::<String>()) {
                    text = shorter;
                } else {
                    at = end;
                }
            }
            size /= 2;
        }
    }
    text.into_iter().collect()
}
