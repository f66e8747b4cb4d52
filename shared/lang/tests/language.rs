//! The page `docs/language.md`: its examples read without a fault or a warning, and what its grammar makes is read by the parser.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_lang::{Form, convert, format, read_all};

const PAGE: &str = include_str!("../../../docs/language.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().expect("a block")).collect()
}

#[test]
fn every_example_of_the_page_is_read_formatted_and_converted() {
    let examples = blocks("flow");
    assert!(examples.len() > 3);
    for example in examples {
        let read = read_all(example, "page.flow").unwrap_or_else(|faults| panic!("{}", faults.render(example)));
        for definition in &read {
            assert_eq!(definition.warnings, [], "{example}");
        }
        let plans = |text: &str, file: &str| -> Vec<_> {
            read_all(text, file).expect("no fault").into_iter().map(|definition| definition.plan).collect()
        };
        assert_eq!(
            plans(&format(example, "page.flow").expect("it can be read"), "page.flow"),
            plans(example, "page.flow")
        );
        let yaml = convert(example, "page.flow", Form::Yaml).expect("no fault");
        assert_eq!(plans(&yaml, "page.yaml"), plans(example, "page.flow"), "{yaml}");
    }
}

// === the grammar ===

/// One side of a rule, as the page writes it.
#[derive(Clone, Debug)]
enum Rule {
    Literal(String),
    Name(String),
    All(Vec<Rule>),
    OneOf(Vec<Rule>),
    Maybe(Box<Rule>),
    Many(Box<Rule>),
}

struct Reading<'a> {
    tokens: Vec<&'a str>,
    at: usize,
}

fn tokens(text: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (vec![], text.trim_start());
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => rest[1..].find('"').expect("a closing quote") + 2,
            c if c.is_alphanumeric() => rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len()),
            _ => 1,
        };
        tokens.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    tokens
}

impl Reading<'_> {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).copied().unwrap_or(";")
    }

    fn take(&mut self) -> String {
        self.at += 1;
        self.tokens[self.at - 1].to_owned()
    }

    fn one_of(&mut self) -> Rule {
        let mut ways = vec![self.all()];
        while self.peek() == "|" {
            self.take();
            ways.push(self.all());
        }
        if ways.len() == 1 { ways.remove(0) } else { Rule::OneOf(ways) }
    }

    fn all(&mut self) -> Rule {
        let mut parts = vec![self.part()];
        while self.peek() == "," {
            self.take();
            parts.push(self.part());
        }
        Rule::All(parts)
    }

    fn part(&mut self) -> Rule {
        let first = self.take();
        let close = match first.as_str() {
            "[" => "]",
            "{" => "}",
            "(" => ")",
            literal if literal.starts_with('"') => return Rule::Literal(literal.trim_matches('"').to_owned()),
            name => return Rule::Name(name.to_owned()),
        };
        let inner = Box::new(self.one_of());
        assert_eq!(self.take(), close);
        match close {
            "]" => Rule::Maybe(inner),
            "}" => Rule::Many(inner),
            _ => *inner,
        }
    }
}

fn grammar() -> BTreeMap<String, Rule> {
    let text = blocks("ebnf").remove(0);
    let mut rules = BTreeMap::new();
    for rule in text.split(" ;\n") {
        let Some((name, side)) = rule.split_once(" = ") else { continue };
        let mut reading = Reading { tokens: tokens(side), at: 0 };
        rules.insert(name.trim().to_owned(), reading.one_of());
        assert_eq!(reading.at, reading.tokens.len(), "all of `{name}` is read");
    }
    rules
}

/// Makes a sentence of the grammar, choosing by the bytes of a tape; where that has ended, the shortest.
struct Maker<'g> {
    rules: &'g BTreeMap<String, Rule>,
    tape: Vec<u8>,
    depth: usize,
    sentence: Vec<Token>,
    /// Whether what is made stands on the line of what is before it.
    on_line: bool,
    /// Whether it is the value of a key.
    is_value: bool,
}

struct Token {
    /// What stands between it and the one before.
    gap: &'static str,
    text: String,
}

/// What may stand between two tokens.
const GAPS: [&str; 8] = [" ", "\n", "  ", " // c\n", "\r\n\r\n\t", " /* c */ ", "\n\n// c\n\n", "\n/* a\n * b */\n"];

impl Maker<'_> {
    fn choose(&mut self, ways: usize) -> usize {
        if self.depth > 14 { 0 } else { self.tape.pop().map_or(0, |byte| usize::from(byte) % ways) }
    }

    fn make(&mut self, rule: &Rule) {
        self.depth += 1;
        match rule {
            Rule::Literal(literal) => self.push(literal),
            Rule::Name(name) => self.named(name),
            Rule::All(parts) => parts.iter().for_each(|part| self.make(part)),
            Rule::OneOf(ways) => {
                let way = self.choose(ways.len());
                self.make(&ways[way]);
            }
            Rule::Maybe(inner) => {
                if self.choose(2) == 1 {
                    self.make(inner);
                }
            }
            Rule::Many(inner) => {
                while self.choose(4) > 0 {
                    self.make(inner);
                }
            }
        }
        self.depth -= 1;
    }

    fn push(&mut self, text: &str) {
        let way = self.tape.pop().map_or(0, usize::from) % GAPS.len();
        let gap = if self.on_line { GAPS[0] } else { GAPS[way] };
        self.sentence.push(Token { gap, text: text.to_owned() });
    }

    fn named(&mut self, name: &str) {
        let pick = |maker: &mut Self, words: &[&str]| {
            let way = maker.choose(words.len());
            maker.push(words[way]);
        };
        match name {
            "word" => {
                let some = ["x", "a.b", "5m", "12", "-3", "0.5", "true", "null", "on_error", "my-step"];
                pick(self, &[some.as_slice(), &["1e5", "-0", "007", "+2.5", "_", "größe", "x--y."]].concat());
            }
            "double" => {
                pick(self, &[r#""""#, r#""a \" \n""#, r#""steps.a.x""#, r#""${ ctx.a }""#, r#""// no comment""#])
            }
            "single" => pick(self, &["'x'", "'it''s'", "'a \"b\"'"]),
            "triple" => pick(self, &["\"\"\"\n  one\n    two\n  \"\"\"", "\"\"\"one\"\"\""]),
            "newline" => self.push("\n"),
            other => self.rule(other),
        }
    }

    fn rule(&mut self, name: &str) {
        let rules = self.rules;
        let rule = rules.get(name).unwrap_or_else(|| panic!("the page has no rule `{name}`"));
        let around = (self.on_line, self.is_value);
        match name {
            "head" => self.is_value = true,
            "block" | "list" => (self.on_line, self.is_value) = (false, false),
            "scalar" => self.on_line |= self.is_value,
            "phrase" | "times" | "trigger" => self.on_line = true,
            _ => {}
        }
        self.make(rule);
        (self.on_line, self.is_value) = around;
    }
}

fn sentence(rules: &BTreeMap<String, Rule>, tape: Vec<u8>) -> String {
    let mut maker = Maker { rules, tape, depth: 0, sentence: vec![], on_line: false, is_value: false };
    maker.rule("file");
    maker.sentence.iter().flat_map(|token| [token.gap, &token.text]).collect()
}

#[test]
fn every_name_of_the_grammar_is_a_rule_or_a_token() {
    fn names<'r>(rule: &'r Rule, into: &mut Vec<&'r str>) {
        match rule {
            Rule::Literal(_) => {}
            Rule::Name(name) => into.push(name),
            Rule::All(parts) | Rule::OneOf(parts) => parts.iter().for_each(|part| names(part, into)),
            Rule::Maybe(inner) | Rule::Many(inner) => names(inner, into),
        }
    }
    let rules = grammar();
    let mut used = vec![];
    rules.values().for_each(|rule| names(rule, &mut used));
    for name in used {
        let is_token = ["word", "double", "single", "triple", "newline"].contains(&name);
        assert!(rules.contains_key(name) || is_token, "`{name}` is no rule");
    }
    assert_eq!(rules.len(), 18);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// What the sentences say is of no meaning; that they can be read and formatted is what the grammar promises.
    #[test]
    fn what_the_grammar_makes_is_read(tape in proptest::collection::vec(any::<u8>(), 0..400)) {
        let rules = grammar();
        let text = sentence(&rules, tape);
        match format(&text, "sentence.flow") {
            Ok(formatted) => {
                let again = format(&formatted, "sentence.flow");
                prop_assert_eq!(again.as_ref(), Ok(&formatted));
            }
            Err(faults) => prop_assert!(false, "{}\n{}", text, faults.render(&text)),
        }
    }
}
