//! The syntax tree of `cel` to ours: resolves names, expands macros, finds what does not exist.

use cel::{
    Program,
    common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators},
};
use regex::RegexBuilder;

use crate::{
    error::CompileError,
    functions::{self, Function},
    limits::{MAX_MACRO_NESTING, MAX_NODES, MAX_PATTERN_BYTES},
    node::{Binary, Each, Kind, Literal, Macro, Node, Pattern},
};

/// What an expression refers to as `type(x) == …`. Names of macros' variables win over them.
const TYPES: [&str; 8] = ["bool", "double", "int", "list", "map", "null_type", "string", "uint"];

pub(crate) fn lower(source: &str, program: &Program) -> Result<Node, CompileError> {
    let mut lowering = Lowering { source, places: program.source_info(), locals: vec![], nodes: 0 };
    lowering.node(program.expression())
}

struct Lowering<'p> {
    source: &'p str,
    places: &'p SourceInfo,
    /// The variables of the macros around, outermost first.
    locals: Vec<&'p str>,
    nodes: usize,
}

impl<'p> Lowering<'p> {
    fn place(&self, expression: &IdedExpr) -> usize {
        self.places.offset_for(expression.id).map_or(0, |(start, _)| start as usize)
    }

    fn fault<T>(&self, at: usize, message: impl Into<String>, hint: impl Into<String>) -> Result<T, CompileError> {
        Err(CompileError::new(self.source, at, message).hint(hint))
    }

    fn node(&mut self, expression: &'p IdedExpr) -> Result<Node, CompileError> {
        let at = self.place(expression);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the expression has more than {MAX_NODES} parts");
            return self.fault(at, message, "compute a part of it in a step of its own");
        }
        let kind = match &expression.expr {
            Expr::Literal(literal) => Kind::Literal(self.literal(literal, at)?),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => {
                let key = Literal::String(select.field.clone());
                selected(self.node(&select.operand)?, Node { at, kind: Kind::Literal(key) })
            }
            Expr::List(list) => Kind::List(self.nodes(&list.elements)?),
            Expr::Map(map) => Kind::Map(
                map.entries
                    .iter()
                    .map(|entry| match &entry.expr {
                        EntryExpr::MapEntry(entry) => Ok((self.node(&entry.key)?, self.node(&entry.value)?)),
                        EntryExpr::StructField(_) => {
                            self.fault(at, "a map has keys, not fields", "write `{'key': value}`")
                        }
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Expr::Call(call) => self.call(call, at)?,
            Expr::Struct(made) => {
                let message = format!("there is no type `{}` to construct", made.type_name);
                return self.fault(at, message, "write a map: `{'key': value}`");
            }
            Expr::Comprehension(_) | Expr::Unspecified => {
                return self.fault(at, "the expression is incomplete here", "add what is missing");
            }
        };
        Ok(Node { at, kind })
    }

    fn nodes(&mut self, expressions: &'p [IdedExpr]) -> Result<Vec<Node>, CompileError> {
        expressions.iter().map(|expression| self.node(expression)).collect()
    }

    fn literal(&self, literal: &LiteralValue, at: usize) -> Result<Literal, CompileError> {
        Ok(match literal {
            LiteralValue::Null => Literal::Null,
            LiteralValue::Boolean(value) => Literal::Bool(*value.inner()),
            LiteralValue::Int(value) => Literal::Int(*value.inner()),
            LiteralValue::UInt(value) => Literal::UInt(*value.inner()),
            LiteralValue::Double(value) => Literal::Double(*value.inner()),
            LiteralValue::String(value) => Literal::String(value.inner().to_owned()),
            LiteralValue::Bytes(_) => {
                return self.fault(at, "there are no bytes here, as JSON has none", "write a string, without the `b`");
            }
        })
    }

    /// The innermost variable of that name, else a type, else a root that the scope is asked for. A leading dot skips variables.
    fn name(&self, name: &str) -> Kind {
        if let Some(slot) = self.locals.iter().rposition(|local| *local == name) {
            return Kind::Local(slot);
        }
        let name = name.strip_prefix('.').unwrap_or(name);
        match TYPES.into_iter().find(|known| *known == name) {
            Some(known) => Kind::Literal(Literal::Type(known)),
            None => Kind::Read { path: vec![name.to_owned()], keys: vec![] },
        }
    }

    fn call(&mut self, call: &'p CallExpr, at: usize) -> Result<Kind, CompileError> {
        match (&call.target, call.args.as_slice()) {
            (None, [one]) => match call.func_name.as_str() {
                operators::LOGICAL_NOT => return Ok(Kind::Not(Box::new(self.node(one)?))),
                operators::NEGATE => return Ok(Kind::Negate(Box::new(self.node(one)?))),
                operators::HAS => return self.has(one, at),
                _ => {}
            },
            (None, [left, right]) => {
                if let Some(kind) = self.infix(&call.func_name, left, right)? {
                    return Ok(kind);
                }
            }
            (None, [condition, yes, no]) if call.func_name == operators::CONDITIONAL => {
                return Ok(Kind::Choice(Box::new([self.node(condition)?, self.node(yes)?, self.node(no)?])));
            }
            (Some(target), arguments) => {
                if let Some(what) = macro_named(&call.func_name) {
                    return self.each(what, target, arguments, at);
                }
            }
            _ => {}
        }
        self.function(call, at)
    }

    fn infix(&mut self, name: &str, left: &'p IdedExpr, right: &'p IdedExpr) -> Result<Option<Kind>, CompileError> {
        let operator = match name {
            operators::ADD => Binary::Add,
            operators::SUBSTRACT => Binary::Subtract,
            operators::MULTIPLY => Binary::Multiply,
            operators::DIVIDE => Binary::Divide,
            operators::MODULO => Binary::Modulo,
            operators::EQUALS => Binary::Equal,
            operators::NOT_EQUALS => Binary::NotEqual,
            operators::LESS => Binary::Less,
            operators::LESS_EQUALS => Binary::LessOrEqual,
            operators::GREATER => Binary::Greater,
            operators::GREATER_EQUALS => Binary::GreaterOrEqual,
            operators::IN => Binary::In,
            operators::LOGICAL_AND => {
                return Ok(Some(Kind::And(Box::new(self.node(left)?), Box::new(self.node(right)?))));
            }
            operators::LOGICAL_OR => {
                return Ok(Some(Kind::Or(Box::new(self.node(left)?), Box::new(self.node(right)?))));
            }
            operators::INDEX => return Ok(Some(selected(self.node(left)?, self.node(right)?))),
            _ => return Ok(None),
        };
        Ok(Some(Kind::Binary(operator, Box::new(self.node(left)?), Box::new(self.node(right)?))))
    }

    fn has(&mut self, inner: &'p IdedExpr, at: usize) -> Result<Kind, CompileError> {
        match &inner.expr {
            Expr::Select(_) => Ok(Kind::Has(Box::new(self.node(inner)?))),
            _ => self.fault(at, "`has` takes a selection", "write `has(a.b)`, or `a != null`"),
        }
    }

    fn each(
        &mut self,
        what: Macro,
        over: &'p IdedExpr,
        arguments: &'p [IdedExpr],
        at: usize,
    ) -> Result<Kind, CompileError> {
        let name = what.name();
        let usage = match what {
            Macro::Map => "write `list.map(x, x.price)`, or `list.map(x, x.price > 1, x.price)`".to_owned(),
            _ => format!("write `list.{name}(x, x.price > 1)`"),
        };
        let (variable, test, make) = match (what, arguments) {
            (Macro::Map, [variable, make]) => (variable, None, Some(make)),
            (Macro::Map, [variable, test, make]) => (variable, Some(test), Some(make)),
            (Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter, [variable, test]) => {
                (variable, Some(test), None)
            }
            _ => return self.fault(at, format!("`{name}` does not take {} arguments", arguments.len()), usage),
        };
        let Expr::Ident(variable) = &variable.expr else {
            return self.fault(at, format!("`{name}` needs a name for the element first"), usage);
        };
        let over = self.node(over)?;
        if self.locals.len() == MAX_MACRO_NESTING {
            let message = format!("`{name}` is inside {MAX_MACRO_NESTING} others");
            return self.fault(at, message, "compute a part of it in a step of its own");
        }
        let slot = self.locals.len();
        self.locals.push(variable);
        let test = test.map(|test| self.node(test)).transpose()?;
        let make = make.map(|make| self.node(make)).transpose()?;
        self.locals.pop();
        Ok(Kind::Each(Box::new(Each { what, over, slot, test, make })))
    }

    fn function(&mut self, call: &'p CallExpr, at: usize) -> Result<Kind, CompileError> {
        let name = call.func_name.as_str();
        let is_method = call.target.is_some();
        let arguments: Vec<&IdedExpr> = call.target.iter().map(AsRef::as_ref).chain(&call.args).collect();
        if name == "coalesce" && !is_method && !arguments.is_empty() {
            return Ok(Kind::Coalesce(self.nodes(&call.args)?));
        }
        if name == "matches" && arguments.len() == 2 {
            return self.matches(arguments[0], arguments[1]);
        }
        let Some(function) = Function::named(name, is_method, arguments.len()) else {
            let hint = functions::hint_for(name, is_method);
            return self.fault(at, functions::unknown(name, is_method, call.args.len()), hint);
        };
        let arguments = arguments.into_iter().map(|argument| self.node(argument)).collect::<Result<_, _>>()?;
        Ok(Kind::Call(function, arguments))
    }

    /// The pattern is a literal, so that a wrong one is found here, and none is compiled during an evaluation.
    fn matches(&mut self, text: &'p IdedExpr, pattern: &'p IdedExpr) -> Result<Kind, CompileError> {
        let at = self.place(pattern);
        let Expr::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            return self.fault(
                at,
                "the pattern of `matches` is not a literal",
                "write it in quotes: `x.matches('^[A-Z]+$')`",
            );
        };
        match compile_pattern(literal.inner()) {
            Ok(pattern) => Ok(Kind::Matches(Box::new(self.node(text)?), Box::new(pattern))),
            Err(regex::Error::CompiledTooBig(_)) => self.fault(
                at,
                "the pattern of `matches` is too large once compiled",
                "repeat less, or use `[0-9]` and `[A-Za-z]` instead of classes with all of Unicode",
            ),
            Err(error) => {
                let reason = error.to_string();
                let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.fault(
                    at,
                    format!("the pattern of `matches` is no regular expression: {last}"),
                    "a `\\` in a quoted text is written `\\\\`",
                )
            }
        }
    }
}

/// The smallest bound that it compiles within tells its size, which the library does not.
fn compile_pattern(pattern: &str) -> Result<Pattern, regex::Error> {
    let mut kib = 1;
    loop {
        match RegexBuilder::new(pattern).size_limit(kib << 10).nest_limit(32).build() {
            Ok(regex) => return Ok(Pattern { regex, steps_per_byte: kib }),
            Err(regex::Error::CompiledTooBig(_)) if kib << 10 < MAX_PATTERN_BYTES => kib *= 2,
            Err(error) => return Err(error),
        }
    }
}

fn macro_named(name: &str) -> Option<Macro> {
    Some(match name {
        operators::ALL => Macro::All,
        operators::EXISTS => Macro::Exists,
        operators::EXISTS_ONE | "existsOne" => Macro::ExistsOne,
        operators::FILTER => Macro::Filter,
        operators::MAP => Macro::Map,
        _ => return None,
    })
}

/// `base[key]`, which is `base.key` for a text: a longer path if `base` is one and the key is known, a key of it if not.
fn selected(base: Node, key: Node) -> Kind {
    match (base.kind, key.kind) {
        (Kind::Read { mut path, keys }, Kind::Literal(Literal::String(name))) if keys.is_empty() => {
            path.push(name);
            Kind::Read { path, keys }
        }
        (Kind::Read { path, mut keys }, kind) => {
            keys.push(Node { at: key.at, kind });
            Kind::Read { path, keys }
        }
        (kind, key_kind) => {
            Kind::Index(Box::new(Node { at: base.at, kind }), Box::new(Node { at: key.at, kind: key_kind }))
        }
    }
}
