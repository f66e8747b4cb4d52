//! A JSON value whose strings may hold `${…}`.

use serde_json::{Map, Value};

use crate::{
    error::{CompileError, EvalError, TemplateError},
    eval::Budget,
    expression::{Expression, exactly_whole},
    limits::MAX_TEMPLATE_DEPTH,
    scan,
    scope::Scope,
};

/// A JSON value whose strings may hold `${…}`, compiled once.
///
/// A string that is nothing else than `${…}` becomes the value, of whatever type. Within other text the value is written
/// as text: strings as they are, everything else as JSON, null as `null`. `$${` stands for `${`. Keys of objects are
/// taken literally.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// No expression in it.
    Literal(Value),
    Whole(Expression),
    Text(Vec<Piece>),
    Array(Vec<Form>),
    Object(Vec<(String, Form)>),
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Plain(String),
    /// And where it starts in the text, in bytes.
    Expression(usize, Expression),
}

/// Behind `${`, where a text is nothing else.
const START: usize = 2;

impl Template {
    /// Every fault in it at once.
    pub fn compile(value: &Value) -> Result<Self, Vec<TemplateError>> {
        let mut compiler = Compiler { pointer: String::new(), faults: vec![] };
        let form = compiler.form(value, 0);
        if compiler.faults.is_empty() { Ok(Self(form)) } else { Err(compiler.faults) }
    }

    pub fn is_literal(&self) -> bool {
        matches!(self.0, Form::Literal(_))
    }

    /// Every static path that its expressions read, without duplicates.
    pub fn paths(&self) -> Vec<&[String]> {
        let mut paths: Vec<&[String]> = vec![];
        self.0.visit(&mut |_, expression| {
            for path in expression.paths() {
                if !paths.contains(&path.as_slice()) {
                    paths.push(path);
                }
            }
        });
        paths
    }

    /// Every expression, and where it starts in the text that holds it, in bytes.
    pub fn expressions(&self) -> Vec<(usize, &Expression)> {
        let mut expressions = vec![];
        self.0.visit(&mut |at, expression| expressions.push((at, expression)));
        expressions
    }

    /// The value with every expression replaced. All of them share one budget.
    pub fn render(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match &self.0 {
            Form::Literal(value) => Ok(value.clone()),
            form => form.render(scope, &mut Budget::new()),
        }
    }
}

impl Form {
    fn visit<'f>(&'f self, look: &mut impl FnMut(usize, &'f Expression)) {
        match self {
            Self::Literal(_) => {}
            Self::Whole(expression) => look(START, expression),
            Self::Text(pieces) => {
                for piece in pieces {
                    if let Piece::Expression(at, expression) = piece {
                        look(*at, expression);
                    }
                }
            }
            Self::Array(forms) => forms.iter().for_each(|form| form.visit(look)),
            Self::Object(entries) => entries.iter().for_each(|(_, form)| form.visit(look)),
        }
    }

    fn render(&self, scope: &dyn Scope, budget: &mut Budget) -> Result<Value, EvalError> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Whole(expression) => expression.evaluate_within(scope, budget)?,
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Plain(plain) => text.push_str(plain),
                        Piece::Expression(_, expression) => expression.write_within(scope, budget, &mut text)?,
                    }
                }
                Value::String(text)
            }
            Self::Array(forms) => {
                Value::Array(forms.iter().map(|form| form.render(scope, budget)).collect::<Result<_, _>>()?)
            }
            Self::Object(entries) => {
                let mut object = Map::new();
                for (name, form) in entries {
                    object.insert(name.clone(), form.render(scope, budget)?);
                }
                Value::Object(object)
            }
        })
    }
}

struct Compiler {
    pointer: String,
    faults: Vec<TemplateError>,
}

impl Compiler {
    fn form(&mut self, value: &Value, depth: usize) -> Form {
        if depth > MAX_TEMPLATE_DEPTH {
            let message = format!("the value is nested deeper than {MAX_TEMPLATE_DEPTH}");
            self.fault(0, CompileError::new("", 0, message));
            return Form::Literal(Value::Null);
        }
        match value {
            Value::String(text) => self.text(text),
            Value::Array(elements) => {
                let forms: Vec<Form> = elements
                    .iter()
                    .enumerate()
                    .map(|(index, element)| self.inside(&index.to_string(), element, depth))
                    .collect();
                if forms.iter().all(Form::is_literal) { literal_array(forms) } else { Form::Array(forms) }
            }
            Value::Object(object) => {
                let entries: Vec<(String, Form)> =
                    object.iter().map(|(name, value)| (name.clone(), self.inside(name, value, depth))).collect();
                if entries.iter().all(|(_, form)| form.is_literal()) {
                    literal_object(entries)
                } else {
                    Form::Object(entries)
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Form::Literal(value.clone()),
        }
    }

    fn inside(&mut self, name: &str, value: &Value, depth: usize) -> Form {
        let outer = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        let form = self.form(value, depth + 1);
        self.pointer.truncate(outer);
        form
    }

    fn fault(&mut self, offset: usize, error: CompileError) {
        self.faults.push(TemplateError { pointer: self.pointer.clone(), offset, error });
    }

    fn expression(&mut self, source: &str, at: usize) -> Option<Expression> {
        match Expression::compile(source) {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.fault(at + error.offset, error);
                None
            }
        }
    }

    fn text(&mut self, text: &str) -> Form {
        if let Some(source) = exactly_whole(text) {
            return self.expression(source, START).map_or(Form::Literal(Value::Null), Form::Whole);
        }
        let mut pieces = vec![];
        let mut plain = String::new();
        let mut at = 0;
        while let Some(next) = text[at..].find('$').map(|found| at + found) {
            plain.push_str(&text[at..next]);
            let rest = &text[next..];
            if rest.starts_with("$${") {
                plain.push_str("${");
                at = next + 3;
            } else if rest.starts_with("${") {
                let Some(end) = scan::end_of_expression(text, next + START) else {
                    let error = CompileError::new(&text[next..], 0, "the expression that begins here has no end");
                    self.fault(
                        next,
                        error.hint(
                            "it ends with `}`, and quotes inside of it come in pairs; a literal `${` is written `$${`",
                        ),
                    );
                    return Form::Literal(Value::Null);
                };
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                let start = next + START;
                let expression = self.expression(&text[start..end], start);
                pieces.extend(expression.map(|expression| Piece::Expression(start, expression)));
                at = end + 1;
            } else {
                plain.push('$');
                at = next + 1;
            }
        }
        plain.push_str(&text[at..]);
        if pieces.is_empty() {
            return Form::Literal(Value::String(plain));
        }
        pieces.push(Piece::Plain(plain));
        pieces.retain(|piece| !matches!(piece, Piece::Plain(plain) if plain.is_empty()));
        Form::Text(pieces)
    }
}

impl Form {
    fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    /// The value of a form that has no expression in it.
    fn into_literal(self) -> Value {
        match self {
            Self::Literal(value) => value,
            _ => Value::Null,
        }
    }
}

fn literal_array(forms: Vec<Form>) -> Form {
    Form::Literal(Value::Array(forms.into_iter().map(Form::into_literal).collect()))
}

fn literal_object(entries: Vec<(String, Form)>) -> Form {
    Form::Literal(Value::Object(entries.into_iter().map(|(name, form)| (name, form.into_literal())).collect()))
}
