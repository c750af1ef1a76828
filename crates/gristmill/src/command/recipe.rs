//! `check`, `explain`: what can be said of a recipe without running it.

use std::sync::Arc;

use clap::Args;
use gristmill_engine::{Error, Overrides, Plan, Recipe, Registry};
use serde_json::{Map, Value, json};

use super::{Context, screen::escaped};

/// A recipe and what the command line changes in it.
#[derive(Args, Clone)]
pub(crate) struct RecipeArguments {
    /// The recipe, a YAML file
    recipe: String,
    /// Read this instead of the recipe's addresses; may be given several times
    #[arg(long, value_name = "URI")]
    read: Vec<String>,
    /// Write here instead of to the recipe's address
    #[arg(long, value_name = "URI")]
    to: Option<String>,
    /// Change a value of the recipe: write.rejects=all, text.2.keep.min_words='text_word_count > 9'
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Presets to walk as well
    #[arg(skip)]
    with: Vec<String>,
}

/// A recipe that was read and compiled.
pub(crate) struct Ready {
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) registry: Arc<Registry>,
}

impl Ready {
    /// Whether the recipe or the command line says what to read and where to write.
    pub(crate) fn has_addresses(&self, arguments: &RecipeArguments) -> Result<(), Error> {
        let problem = |message: &str, hint: &str| gristmill_engine::Problem {
            file: arguments.recipe.clone(),
            line: 0,
            column: 0,
            message: message.into(),
            hint: hint.into(),
        };
        let mut problems = Vec::new();
        if self.recipe.read.is_empty() {
            problems.push(problem(
                "nothing to read",
                "add `read: [{uri: …}]` or give --read URI",
            ));
        }
        if self.recipe.write.uri.is_none() {
            problems.push(problem(
                "nowhere to write to",
                "add `write: {uri: …}` or give --to URI",
            ));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Recipe(problems))
        }
    }
}

impl RecipeArguments {
    pub(crate) fn of(recipe: String, read: Vec<String>, to: String, set: Vec<String>) -> Self {
        RecipeArguments {
            recipe,
            read,
            to: Some(to),
            set,
            with: Vec::new(),
        }
    }

    /// For looking at records only.
    pub(crate) fn with(recipe: &str, read: &[String], set: &[String], with: &[String]) -> Self {
        RecipeArguments {
            recipe: recipe.to_owned(),
            read: read.to_vec(),
            to: None,
            set: set.to_vec(),
            with: with.to_vec(),
        }
    }

    /// Reads and compiles the recipe.
    pub(crate) fn prepare(&self) -> Result<Ready, Error> {
        let registry = Arc::new(gristmill::registry());
        let (recipe, plan) = self.prepare_with(&registry)?;
        Ok(Ready {
            recipe,
            plan,
            registry,
        })
    }

    /// The same with a registry that is there already.
    pub(crate) fn prepare_with(&self, registry: &Registry) -> Result<(Arc<Recipe>, Arc<Plan>), Error> {
        let overrides = Overrides {
            set: self.set.clone(),
            read: self.read.clone(),
            to: self.to.clone(),
            with: self.with.clone(),
        };
        let recipe = read_recipe_file(&self.recipe, &overrides, registry)?;
        let plan = gristmill_engine::compile(&self.recipe, &recipe, registry).map_err(Error::Recipe)?;
        Ok((Arc::new(recipe), Arc::new(plan)))
    }
}

/// Reads a recipe's file.
pub(crate) fn read_recipe_file(
    file: &str,
    overrides: &Overrides,
    registry: &Registry,
) -> Result<Recipe, Error> {
    let source = std::fs::read_to_string(file).map_err(|error| {
        Error::Recipe(vec![gristmill_engine::Problem {
            file: file.to_owned(),
            line: 0,
            column: 0,
            message: format!("cannot read the recipe: {error}"),
            hint: "the first argument is a YAML file, such as recipes/web-text.yaml".into(),
        }])
    })?;
    gristmill_engine::read_recipe(file, &source, overrides, registry).map_err(Error::Recipe)
}

pub(crate) fn check(context: &Context, arguments: &RecipeArguments) -> Result<(), Error> {
    let ready = arguments.prepare()?;
    let addresses: Vec<&str> = ready.recipe.read.iter().map(|entry| entry.uri.as_str()).collect();
    let to = ready.recipe.write.uri.as_deref();
    let outputs = ready.plan.outputs();
    let columns: Map<String, Value> = outputs
        .iter()
        .map(|output| (output.modality.to_owned(), json!(output.columns)))
        .collect();
    if context.screen.json {
        context.screen.json(&json!({
            "event": "checked", "name": ready.recipe.name, "read": addresses, "to": to,
            "steps": ready.recipe.steps().map(|step| &step.label).collect::<Vec<_>>(), "columns": columns,
        }));
        return Ok(());
    }
    let say = |line: String| context.screen.data(&escaped(&line));
    say(format!("{}: no problems", arguments.recipe));
    say(format!(
        "  reads   {}",
        if addresses.is_empty() {
            "nothing yet: give --read URI".into()
        } else {
            addresses.join(", ")
        }
    ));
    say(format!(
        "  steps   {}",
        ready
            .recipe
            .steps()
            .map(|step| step.label.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    ));
    for output in outputs {
        let of = if outputs.len() > 1 {
            format!("{}: ", output.modality)
        } else {
            String::new()
        };
        say(format!("  writes  {of}{}", output.columns.join(", ")));
    }
    say(format!(
        "  to      {}",
        to.unwrap_or("nowhere yet: give --to URI")
    ));
    Ok(())
}

pub(crate) fn explain(context: &Context, arguments: &RecipeArguments) -> Result<(), Error> {
    let ready = arguments.prepare()?;
    context.screen.data(&gristmill_engine::explain(&ready.plan));
    let plans =
        gristmill_engine::physical_plans(&ready.recipe, &ready.plan, &ready.registry, &context.runtime()?)?;
    for (number, plan) in plans.iter().enumerate() {
        context
            .screen
            .data(&format!("DataFusion's plan of segment {number}\n{plan}"));
    }
    Ok(())
}
