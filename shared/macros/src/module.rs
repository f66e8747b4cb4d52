//! A module as it was written: its steps, those in modules inside of it, and the functions that others of its words may name.

mod level;
mod step;

use std::collections::BTreeMap;

use syn::{Error, Ident, ItemMod, LitStr, ext::IdentExt};

use self::level::Reading;
use crate::{
    args::{Args, Value},
    function::Function,
    words::{HANDLERS, Holder, Kind},
};

pub(crate) struct Module {
    /// The name of the workflow.
    pub(crate) name: LitStr,
    pub(crate) args: Args,
    pub(crate) root: Level,
}

/// One module: what stands in it beside one another.
pub(crate) struct Level {
    /// No other level of the workflow has it.
    pub(crate) id: usize,
    pub(crate) steps: Vec<Step>,
    /// Of a `#[switch]`, which has them instead of steps.
    pub(crate) cases: Vec<Case>,
    /// Every function of the module, steps included.
    pub(crate) functions: BTreeMap<String, Function>,
    /// Modules that an argument names: what is done when something fails, or comes too late.
    pub(crate) bodies: BTreeMap<String, Level>,
    /// The module without what only this macro reads, and without the modules above.
    pub(crate) item: ItemMod,
}

pub(crate) struct Step {
    pub(crate) name: Ident,
    pub(crate) args: Args,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// A function of the module does it.
    Code,
    /// It has no code.
    Kind(&'static Kind),
    /// Others stand inside of it.
    Holds(&'static Holder, Box<Level>),
}

/// One of a `#[switch]`.
pub(crate) struct Case {
    /// None of the last one, that is done if no other is.
    pub(crate) when: Option<LitStr>,
    pub(crate) level: Level,
}

impl Step {
    /// As definitions have it.
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }

    pub(crate) fn is_code(&self) -> bool {
        matches!(self.what, What::Code)
    }

    /// The words that name a module whose steps are done instead.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Ident> {
        ["catch", "on_timeout"].into_iter().filter_map(|key| self.body(key))
    }

    pub(crate) fn body(&self, key: &str) -> Option<&Ident> {
        self.args.get(key).and_then(Value::named).filter(|word| key != "on_timeout" || !is_outcome(word))
    }
}

/// What `on_timeout` may be without naming anything.
fn is_outcome(word: &Ident) -> bool {
    word == "skip" || word == "fail"
}

impl Level {
    pub(crate) fn name(&self) -> String {
        self.item.ident.unraw().to_string()
    }

    /// The levels right inside of it.
    pub(crate) fn inside(&self) -> impl Iterator<Item = &Self> {
        let of_steps = self.steps.iter().filter_map(|step| match &step.what {
            What::Holds(_, level) => Some(&**level),
            What::Code | What::Kind(_) => None,
        });
        of_steps.chain(self.cases.iter().map(|case| &case.level)).chain(self.bodies.values())
    }

    /// This one, and all in it.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let mut all = vec![self];
        self.inside().for_each(|level| all.extend(level.all()));
        all
    }
}

impl Module {
    /// With all that is wrong with how it is written.
    pub(crate) fn read(args: Args, item: ItemMod) -> (Self, Vec<Error>) {
        let mut reading = Reading::default();
        let name = match args.get("name") {
            Some(Value::Text(name)) => name.clone(),
            Some(other) => {
                reading.fault(other.span(), "the name of a workflow is a text: `name = \"order\"`");
                LitStr::new(&item.ident.unraw().to_string(), item.ident.span())
            }
            None => LitStr::new(&item.ident.unraw().to_string(), item.ident.span()),
        };
        let handlers = args.named.iter().filter(|arg| HANDLERS.contains(&arg.name().as_str()));
        let handlers: Vec<&Ident> = handlers.filter_map(|arg| arg.value.named()).collect();
        let root = reading.steps(item, "`#[workflow]`", &handlers);
        (Self { name, args, root }, reading.faults)
    }

    /// The body that a handler names, if it is no function.
    pub(crate) fn handler<'a>(&'a self, value: &'a Value) -> Option<(&'a Ident, &'a Level)> {
        let word = value.named()?;
        Some((word, self.root.bodies.get(&word.unraw().to_string())?))
    }
}
