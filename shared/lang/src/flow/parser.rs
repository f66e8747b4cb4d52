//! From tokens to a file as it is written. What is wrong is noted at its place, and reading goes on behind it, so that a fault in
//! one block hides nothing in the next.

use std::collections::BTreeMap;

use super::{
    syntax::{Block, Comment, Definition, Entry, File, Head, Item, Key, Keyword, List, Phrase, Scalar, Style, Value},
    token::{Piece, Token, TokenKind},
};
use crate::{reader::Reader, source::Place, suggest::nearest, syntax::shown, tree::DEEPEST};

/// Keys whose value is words for people or for an activity, up to the end of the line.
const IN_WORDS: [&str; 2] = ["query", "select"];

/// What is faulty, to where; what is said about the meaning of that is of no use.
pub(super) struct Parsed {
    pub(super) file: File,
    pub(super) blurred: Vec<Place>,
}

pub(super) fn parse(reader: &mut Reader, tokens: Vec<Token>) -> Parsed {
    let text = reader.source.text;
    let mut edges = BTreeMap::new();
    for token in &tokens {
        edges.entry(token.place.start.line).or_insert(token.place.start.column);
    }
    let (gathered, blurred) = (vec![], vec![]);
    let mut parser = Parser {
        reader,
        text,
        tokens,
        at: 0,
        depth: 0,
        gathered,
        blurred,
        edges,
        doubtful: None,
        told_unclosed: false,
        definition: Place::START,
    };
    let file = parser.file();
    Parsed { file, blurred: parser.blurred }
}

struct Parser<'r, 'a> {
    reader: &'r mut Reader<'a>,
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Comments that were passed and have found no place yet.
    gathered: Vec<Comment>,
    blurred: Vec<Place>,
    /// The column in which each line begins.
    edges: BTreeMap<usize, usize>,
    /// The first `{` of a definition whose `}` stands elsewhere than it should by its column: if one is missing, it is that one's.
    doubtful: Option<Token>,
    told_unclosed: bool,
    /// The keyword of the definition that is read.
    definition: Place,
}

impl Parser<'_, '_> {
    // === tokens ===

    /// The next token that is no comment; comments before it are gathered.
    fn peek(&mut self) -> &Token {
        while self.tokens[self.at].kind == TokenKind::Comment {
            let token = &self.tokens[self.at];
            self.gathered.push(Comment { text: token.written(self.text).to_owned(), apart: token.breaks > 1 });
            // A break behind a comment counts for what follows it.
            let breaks = self.tokens[self.at + 1].breaks.max(1);
            self.at += 1;
            self.tokens[self.at].breaks = breaks;
        }
        &self.tokens[self.at]
    }

    /// The token behind the next one, comments aside.
    fn second(&mut self) -> &Token {
        self.peek();
        let behind = &self.tokens[self.at..];
        let second = behind.iter().skip(1).find(|token| token.kind != TokenKind::Comment);
        second.unwrap_or(&behind[0])
    }

    fn take(&mut self) -> Token {
        self.peek();
        let token = self.tokens[self.at].clone();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    fn peeks(&mut self, mark: char) -> bool {
        self.peek().is(mark)
    }

    fn at_end(&mut self) -> bool {
        self.peek().kind == TokenKind::End
    }

    /// Whether the next token, or a comment before it, stands on the line where the last token ended.
    fn is_on_line(&self) -> bool {
        self.tokens[self.at].breaks == 0
    }

    /// The comment that stands behind the last token on its line.
    fn trail(&mut self) -> Option<Comment> {
        let token = &self.tokens[self.at];
        if token.kind != TokenKind::Comment || token.breaks > 0 {
            return None;
        }
        let comment = Comment { text: token.written(self.text).to_owned(), apart: false };
        self.at += 1;
        let next = &mut self.tokens[self.at];
        next.breaks = next.breaks.max(1);
        Some(comment)
    }

    fn last(&self) -> Place {
        let before = self.tokens[..self.at].iter().rev().find(|token| token.kind != TokenKind::Comment);
        before.map_or(Place::START, |token| token.place)
    }

    /// From the place to the last token.
    fn since(&self, start: Place) -> Place {
        Place { start: start.start, end: self.last().end.max(start.end) }
    }

    fn blur(&mut self, place: Place) {
        // There is an end to what is told; what is beyond it need not be hidden.
        if self.blurred.len() < 1000 {
            self.blurred.push(place);
        }
    }

    fn scalar(&self, token: &Token) -> Scalar {
        let place = token.place;
        match &token.kind {
            TokenKind::Text(quoted) => Scalar {
                value: quoted.value.clone(),
                style: Style::Quoted(quoted.quotes),
                place,
                pieces: quoted.pieces.clone(),
            },
            _ => Scalar {
                value: token.written(self.text).to_owned(),
                style: Style::Bare,
                place,
                pieces: vec![Piece { value: 0, source: token.from }],
            },
        }
    }

    fn key(&self, token: &Token) -> Key {
        let scalar = self.scalar(token);
        Key { text: scalar.value, place: scalar.place, quoted: scalar.style != Style::Bare }
    }

    // === definitions ===

    fn file(&mut self) -> File {
        let mut file = File::default();
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::End => break,
                TokenKind::Word => file.definitions.extend(self.definition()),
                TokenKind::Mark('}') => {
                    self.take();
                    self.reader
                        .error(token.place, "this `}` closes nothing")
                        .hint("remove it, or look for a missing `{`");
                }
                _ => self.no_definition(&token),
            }
        }
        file.tail = std::mem::take(&mut self.gathered);
        file
    }

    fn definition(&mut self) -> Option<Definition> {
        let lead = std::mem::take(&mut self.gathered);
        let token = self.peek().clone();
        let keyword = match token.written(self.text) {
            "workflow" => Keyword::Workflow,
            "job" => Keyword::Job,
            _ => {
                self.gathered = lead;
                self.no_definition(&token);
                return None;
            }
        };
        self.take();
        self.definition = token.place;
        // `workflow: name`, as in YAML.
        let is_yaml = self.peeks(':') && self.take().is(':');
        let word = token.written(self.text).to_owned();
        let name = self.peek().clone();
        if !name.is_key() {
            let hint = format!("for example `{word} order_fulfillment {{ … }}`");
            self.reader.error(token.place, format!("the `{word}` has no name")).hint(hint);
            if !name.is('{') {
                self.skip_to_definition();
                return None;
            }
            let body = self.block();
            self.blur(self.since(token.place));
            drop(body);
            return None;
        }
        self.take();
        let name = self.scalar(&name);
        if !self.peeks('{') {
            let mut hint = format!("write `{word} {} {{ … }}`", shown(&name.value));
            if is_yaml {
                hint.push_str("; YAML stands in files that end in .yaml");
            }
            self.reader.error(name.place, format!("behind the name of the {word} a `{{` is missing")).hint(hint);
            self.skip_to_definition();
            return None;
        }
        (self.doubtful, self.told_unclosed) = (None, false);
        let body = self.block();
        let trail = self.trail();
        let lead = [lead, std::mem::take(&mut self.gathered)].concat();
        Some(Definition { lead, keyword, place: token.place, name, body, trail })
    }

    fn no_definition(&mut self, token: &Token) {
        let written = shown(token.written(self.text));
        let suggestion = nearest(&written, ["workflow", "job"]).filter(|_| token.is_word());
        let hint = match suggestion {
            Some(word) => format!("did you mean `{word}`?"),
            None => "a file holds `workflow name { … }` and `job name { … }`".to_owned(),
        };
        self.reader.error(token.place, format!("no definition begins with `{written}`")).hint(hint);
        self.take();
        self.skip_to_definition();
    }

    /// Whether a definition begins here, wherever this is: nothing else begins so at the edge.
    fn begins_definition(&mut self) -> bool {
        let token = self.peek();
        if token.place.start.column > 0 || !token.is_word() {
            return false;
        }
        let (from, to) = (token.from, token.to);
        if !matches!(&self.text[from..to], "workflow" | "job") {
            return false;
        }
        let behind = self.tokens[self.at..].iter().filter(|token| token.kind != TokenKind::Comment);
        let mut behind = behind.skip(1);
        behind.next().is_some_and(Token::is_key) && behind.next().is_some_and(|token| token.is('{'))
    }

    fn skip_to_definition(&mut self) {
        let mut open = 0_usize;
        while !self.at_end() {
            if self.begins_definition() {
                return;
            }
            let token = self.take();
            match token.kind {
                TokenKind::Mark('{') => open += 1,
                TokenKind::Mark('}') if open <= 1 => return,
                TokenKind::Mark('}') => open -= 1,
                _ => {}
            }
        }
    }

    // === blocks ===

    /// Reads from `{` on.
    fn block(&mut self) -> Block {
        let before = std::mem::take(&mut self.gathered);
        let open = self.take();
        let head = self.trail();
        if self.depth >= DEEPEST {
            let message = format!("blocks and lists nest more than {DEEPEST} levels deep");
            self.reader.error(open.place, message);
            self.skip_to_close();
            self.gathered = before;
            let place = self.since(open.place);
            self.blur(place);
            return Block { place, entries: vec![], head, tail: vec![], inline: false };
        }
        self.depth += 1;
        let mut entries = vec![];
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::Mark('}') => {
                    self.doubt(&open, &token);
                    self.take();
                    break;
                }
                TokenKind::End => {
                    self.unclosed(&open);
                    break;
                }
                TokenKind::Mark(',') => drop(self.take()),
                _ if self.begins_definition() => {
                    self.unclosed(&open);
                    break;
                }
                TokenKind::Word | TokenKind::Text(_) => entries.push(self.entry()),
                _ => self.no_entry(&token),
            }
        }
        self.depth -= 1;
        let tail = std::mem::replace(&mut self.gathered, before);
        let place = self.since(open.place);
        let inline = place.start.line == place.end.line;
        Block { place, entries, head, tail, inline }
    }

    /// Blocks close below where they open; where one does not, a `}` may be missing.
    fn doubt(&mut self, open: &Token, close: &Token) {
        let edge = self.edges.get(&open.place.start.line);
        let below = open.place.start.line < close.place.start.line && close.breaks > 0;
        if below && edge.is_some_and(|edge| close.place.start.column < *edge) {
            self.doubtful.get_or_insert_with(|| open.clone());
        }
    }

    /// Of several blocks that end together, the innermost is told first, and only that.
    fn unclosed(&mut self, open: &Token) {
        if self.told_unclosed {
            return;
        }
        self.told_unclosed = true;
        self.blur(self.definition);
        let open = self.doubtful.take().unwrap_or_else(|| open.clone());
        self.blur(Place { start: open.place.start, end: self.tokens[self.at].place.start });
        let hint = "a `}` is missing: write it where the block ends";
        self.reader.error(open.place, "the block that begins here is never closed").hint(hint);
    }

    fn skip_to_close(&mut self) {
        let mut open = 1_usize;
        while !self.at_end() && open > 0 {
            match self.take().kind {
                TokenKind::Mark('{' | '[') => open += 1,
                TokenKind::Mark('}' | ']') => open -= 1,
                _ => {}
            }
        }
    }

    /// Something in a block that is no key. The rest of its line is passed over.
    fn no_entry(&mut self, token: &Token) {
        let written = shown(token.written(self.text));
        let hint = match token.kind {
            TokenKind::Mark('{' | '[') => "give it a name: `name { … }`",
            TokenKind::Mark(']' | ')') => "remove it, or look for what should open before it",
            _ => "an entry is `key value` or `key: value`",
        };
        self.reader.error(token.place, format!("a key was expected here, not `{written}`")).hint(hint);
        let start = token.place;
        self.take();
        match token.kind {
            TokenKind::Mark('{' | '[') => self.skip_to_close(),
            _ => self.skip_line(),
        }
        self.blur(self.since(start));
    }

    fn skip_line(&mut self) {
        let mut open = 0_usize;
        loop {
            let token = self.peek().clone();
            match token.kind {
                TokenKind::End => return,
                _ if open == 0 && token.breaks > 0 => return,
                TokenKind::Mark('{' | '[') => open += 1,
                TokenKind::Mark('}' | ']') if open == 0 => return,
                TokenKind::Mark('}' | ']') => open -= 1,
                _ if self.begins_definition() => return,
                _ => {}
            }
            self.take();
        }
    }

    fn entry(&mut self) -> Entry {
        let mut lead = std::mem::take(&mut self.gathered);
        let token = self.take();
        let apart = token.breaks > 1;
        let key = self.key(&token);
        let colon = self.peek().is(':') && self.take().is(':');
        let value = self.value_of(&key, colon);
        lead.append(&mut self.gathered);
        let place = self.since(token.place);
        if value.is_lost() {
            self.blur(place);
        }
        // A comma belongs to the line as well.
        if self.tokens[self.at].is(',') && self.is_on_line() {
            self.at += 1;
        }
        let trail = self.trail();
        Entry { lead, apart, key, value, trail, place }
    }

    // === values ===

    fn value_of(&mut self, key: &Key, colon: bool) -> Value {
        let word = if key.quoted { "" } else { key.text.as_str() };
        let head = match word {
            "trigger" => self.trigger_head(),
            _ => self.head(word),
        };
        if self.block_follows() {
            let block = self.block();
            return Value { head, block: Some(block) };
        }
        if head.is_none() {
            self.no_value(key, colon);
        }
        Value { head, block: None }
    }

    fn no_value(&mut self, key: &Key, colon: bool) {
        let shown_key = shown(&key.text);
        let token = self.peek().clone();
        if self.is_on_line() && token.kind == TokenKind::Operator && token.written(self.text) == "=" {
            let hint = format!("write `{shown_key}: …`");
            self.reader.error(token.place, "a key and its value have a `:` between them, or nothing").hint(hint);
            self.skip_line();
        } else if self.is_on_line() && matches!(token.kind, TokenKind::Mark(':' | ')')) {
            let written = shown(token.written(self.text));
            let message = format!("a value was expected behind `{shown_key}`, not `{written}`");
            self.reader.error(token.place, message);
            self.skip_line();
        } else {
            let hint = match colon {
                true => format!("write its value behind the colon, or `{shown_key} null` for none"),
                false => format!("write `{shown_key}: value`, or `{shown_key} {{ … }}`"),
            };
            self.reader.error(key.place, format!("`{shown_key}` has no value")).hint(hint);
        }
    }

    /// `event "…"`, `schedule "…"`, or one value.
    fn trigger_head(&mut self) -> Option<Head> {
        let token = self.peek().clone();
        let named = token.is_word() && token.breaks == 0 && matches!(token.written(self.text), "event" | "schedule");
        if !named {
            return self.head("trigger");
        }
        self.take();
        let key = self.key(&token);
        if self.peeks(':') {
            self.take();
        }
        match self.head("") {
            Some(head) => Some(Head::Named(key, Box::new(head))),
            None => {
                let message = format!("the trigger says `{}` and not which", key.text);
                let hint = match key.text.as_str() {
                    "event" => "for example `trigger event \"order.created\"`",
                    _ => "for example `trigger schedule \"0 6 * * *\"`",
                };
                self.reader.error(key.place, message).hint(hint);
                self.blur(key.place);
                Some(Head::Scalar(self.scalar(&token)))
            }
        }
    }

    /// A value that is no block. `None`: there is none.
    fn head(&mut self, key: &str) -> Option<Head> {
        let token = self.peek().clone();
        let on_line = token.breaks == 0;
        match &token.kind {
            TokenKind::Mark('[') => Some(Head::List(self.list())),
            TokenKind::Mark('(') | TokenKind::Operator if on_line => self.phrase(key),
            TokenKind::Word if on_line => self.phrase(key),
            // On a line of its own it can be no key.
            TokenKind::Text(_) if on_line || !self.is_entry() => self.phrase(key),
            _ => None,
        }
    }

    /// Whether what stands here is a key with a value.
    fn is_entry(&mut self) -> bool {
        let second = self.second();
        second.is(':')
            || (second.breaks == 0 && !matches!(second.kind, TokenKind::Mark('}' | ',' | ']') | TokenKind::End))
    }

    /// One word or text; or as many as belong together, to the end of the line at most.
    fn phrase(&mut self, key: &str) -> Option<Head> {
        let text = self.text;
        if self.peek().written(text) == "=" {
            return None;
        }
        let first = self.take();
        let mut tokens = vec![first.clone()];
        if self.goes_on(key, &first) {
            self.rest_of_phrase(&mut tokens);
        } else if key == "retry" && first.is_word() && self.next_word_is("times") {
            tokens.push(self.take());
            if self.next_word_is("with") {
                tokens.push(self.take());
                if self.tokens[self.at].is_word() && self.is_on_line() {
                    tokens.push(self.take());
                }
            }
        }
        if let [only] = tokens.as_slice()
            && only.is_key()
        {
            return Some(Head::Scalar(self.scalar(only)));
        }
        let (from, to) = (first.from, tokens.last().map_or(first.to, |last| last.to));
        let place = self.since(first.place);
        Some(Head::Phrase(Phrase { text: self.text[from..to].to_owned(), tokens, place, from }))
    }

    /// Whether a block comes next. Comments on the way to anything else are not this entry's.
    fn block_follows(&self) -> bool {
        let next = self.tokens[self.at..].iter().find(|token| token.kind != TokenKind::Comment);
        next.is_some_and(|token| token.is('{'))
    }

    fn next_word_is(&self, word: &str) -> bool {
        let token = &self.tokens[self.at];
        token.breaks == 0 && token.written(self.text) == word
    }

    /// Whether more of a phrase follows its first token.
    fn goes_on(&mut self, key: &str, first: &Token) -> bool {
        if !first.is_key() {
            return true;
        }
        let token = self.tokens[self.at].clone();
        if token.breaks > 0 {
            return false;
        }
        match &token.kind {
            TokenKind::Operator => true,
            TokenKind::Mark('(' | '[') => first.is_word(),
            TokenKind::Word if first.is_word() => {
                IN_WORDS.contains(&key) || (token.written(self.text) == "in" && !self.begins_entry_with_in())
            }
            _ => false,
        }
    }

    /// `in: 5m` is an entry of a schedule; `a in b` is not.
    fn begins_entry_with_in(&mut self) -> bool {
        self.second().is(':')
    }

    /// Takes all to the end of the line, or to what closes or separates.
    fn rest_of_phrase(&mut self, tokens: &mut Vec<Token>) {
        let mut open: Vec<Token> = if tokens[0].is('(') { vec![tokens[0].clone()] } else { vec![] };
        loop {
            let token = self.tokens[self.at].clone();
            if token.breaks > 0 {
                break;
            }
            match token.kind {
                TokenKind::End | TokenKind::Comment | TokenKind::Mark('{' | '}') => break,
                TokenKind::Mark(',' | ')' | ']') if open.is_empty() => break,
                TokenKind::Mark('(' | '[') => open.push(token.clone()),
                TokenKind::Mark(')' | ']') => drop(open.pop()),
                _ => {}
            }
            tokens.push(self.take());
        }
        if let Some(unclosed) = open.last() {
            let (place, written) = (unclosed.place, unclosed.written(self.text));
            let hint = "an expression ends on the line that it begins on";
            self.reader.error(place, format!("this `{written}` is never closed")).hint(hint);
            self.blur(self.since(tokens[0].place));
        }
    }

    /// Reads from `[` on.
    fn list(&mut self) -> List {
        let before = std::mem::take(&mut self.gathered);
        let open = self.take();
        let head = self.trail();
        let mut items = vec![];
        if self.depth >= DEEPEST {
            self.reader.error(open.place, format!("blocks and lists nest more than {DEEPEST} levels deep"));
            self.skip_to_close();
            self.gathered = before;
            let place = self.since(open.place);
            self.blur(place);
            return List { place, items, head, tail: vec![], inline: false };
        }
        self.depth += 1;
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::Mark(']') => {
                    self.take();
                    break;
                }
                TokenKind::Mark(',') => drop(self.take()),
                TokenKind::Mark(')') => {
                    self.reader.error(token.place, "a value was expected here, not `)`");
                    self.take();
                }
                TokenKind::End | TokenKind::Mark('}' | ':') => {
                    self.unclosed_list(&open, &token);
                    break;
                }
                _ if self.begins_definition() => {
                    self.unclosed_list(&open, &token);
                    break;
                }
                _ => items.extend(self.item()),
            }
        }
        self.depth -= 1;
        let tail = std::mem::replace(&mut self.gathered, before);
        let place = self.since(open.place);
        let inline = place.start.line == place.end.line;
        List { place, items, head, tail, inline }
    }

    fn unclosed_list(&mut self, open: &Token, at: &Token) {
        let (place, message) = match at.kind {
            TokenKind::Mark(':') => (at.place, "a list has values and no keys".to_owned()),
            _ => (open.place, "the list that begins here is never closed".to_owned()),
        };
        let hint = match at.kind {
            TokenKind::Mark(':') => "write `{ key: value }` for what has keys",
            _ => "a `]` is missing",
        };
        self.reader.error(place, message).hint(hint);
        if at.is(':') {
            self.skip_to_close();
        } else {
            self.blur(self.definition);
        }
        self.blur(self.since(open.place));
    }

    fn item(&mut self) -> Option<Item> {
        let mut lead = std::mem::take(&mut self.gathered);
        let value = if self.peeks('{') {
            Value::block(self.block())
        } else {
            // The line means nothing in a list.
            let at = self.at;
            self.tokens[at].breaks = 0;
            match self.head("") {
                Some(head) => Value::of(head),
                None => {
                    let token = self.take();
                    let written = shown(token.written(self.text));
                    self.reader.error(token.place, format!("a value was expected here, not `{written}`"));
                    self.blur(token.place);
                    self.gathered.splice(0..0, lead);
                    return None;
                }
            }
        };
        lead.append(&mut self.gathered);
        if self.tokens[self.at].is(',') && self.is_on_line() {
            self.at += 1;
        }
        let trail = self.trail();
        Some(Item { lead, value, trail })
    }
}
