//! Predicates against columns: what a rule names must be there, and what it says must be a condition.

use std::ops::ControlFlow;

use datafusion::{
    arrow::datatypes::{DataType, Schema},
    common::{DFSchema, tree_node::TreeNode},
    logical_expr::{Expr, ExprSchemable, SortExpr, Volatility},
    prelude::SessionContext,
    sql::sqlparser::{
        ast::{Expr as SqlExpr, OrderByExpr, visit_expressions},
        dialect::GenericDialect,
        parser::{Parser, ParserError},
        tokenizer::Token,
    },
};

use super::Predicate;
use crate::recipe::{Place, Problems, RuleSpec, suggest};

/// Names of columns, and where they stand.
type Names = Vec<(String, Place)>;

/// The names that a predicate uses, with their columns in its text; `None` if it does not parse.
pub(crate) fn column_names(rule: &RuleSpec, problems: &mut Problems) -> Option<Names> {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method alone is of one lifetime"
    )]
    let parsed = parse(&rule.sql, "condition", |parser| parser.parse_expr());
    let expression = match parsed {
        Ok(expression) => expression,
        Err(message) => {
            let (message, place) = located(&message, &rule.place);
            problems.add(
                &place,
                format!("rule {:?} is not a condition: {message}", rule.name),
                "an SQL condition over columns, such as `text_word_count >= 50`",
            );
            return None;
        }
    };
    Some(names_in(&expression, rule))
}

/// Parses the whole of a text.
fn parse<T>(
    sql: &str,
    what: &str,
    read: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, String> {
    let parsed = Parser::new(&GenericDialect {})
        .try_with_sql(sql)
        .and_then(|mut parser| {
            let parsed = read(&mut parser)?;
            let next = parser.next_token();
            if next.token == Token::EOF {
                return Ok(parsed);
            }
            let message = format!("unexpected {} after the {what}{}", next.token, next.span.start);
            Err(ParserError::ParserError(message))
        });
    parsed.map_err(|error| {
        let message = error.to_string();
        message.trim_start_matches("sql parser error: ").to_owned()
    })
}

fn names_in(expression: &SqlExpr, rule: &RuleSpec) -> Names {
    let mut names = Vec::new();
    let _ = visit_expressions(expression, |part: &SqlExpr| {
        if let SqlExpr::Identifier(ident) = part {
            let name = if ident.quote_style.is_some() {
                ident.value.clone()
            } else {
                ident.value.to_lowercase()
            };
            names.push((
                name,
                shifted(&rule.place, ident.span.start.line, ident.span.start.column),
            ));
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

/// The expressions of an ordering such as `text_char_count DESC, timestamp`, with the names that they use.
pub(crate) fn ordering_names(
    prefer: &RuleSpec,
    problems: &mut Problems,
) -> Option<(Vec<OrderByExpr>, Names)> {
    let read = |parser: &mut Parser<'_>| parser.parse_comma_separated(Parser::parse_order_by_expr);
    match parse(&prefer.sql, "ordering", read) {
        Ok(ordering) => {
            let names = ordering
                .iter()
                .flat_map(|by| names_in(&by.expr, prefer))
                .collect();
            Some((ordering, names))
        }
        Err(message) => {
            let (message, place) = located(&message, &prefer.place);
            problems.add(
                &place,
                format!("\"prefer\" is not an ordering: {message}"),
                "as in SQL's ORDER BY, such as `text_char_count DESC, timestamp`",
            );
            None
        }
    }
}

/// Makes an ordering over `schema`; nulls come last unless it says otherwise.
pub(crate) fn ordering(
    ordering: &[OrderByExpr],
    place: &Place,
    schema: &Schema,
    problems: &mut Problems,
) -> Option<Vec<SortExpr>> {
    let session = SessionContext::new();
    let table = DFSchema::try_from(schema.clone()).ok()?;
    let mut sorts = Vec::new();
    for by in ordering {
        let sql = by.expr.to_string();
        let planned = session.state().create_logical_expr(&sql, &table);
        let checked = match planned {
            Ok(logical) if has_aggregate(&logical) => Err("it looks at other rows".to_owned()),
            Ok(logical) => match unstable_function(&logical) {
                Some(name) => Err(format!("{name}() gives another value each time")),
                None => match session.create_physical_expr(logical.clone(), &table) {
                    Ok(_) => Ok(logical),
                    Err(error) => Err(plain_message(&error)),
                },
            },
            Err(error) => Err(plain_message(&error)),
        };
        match checked {
            Ok(logical) => sorts.push(logical.sort(
                by.options.asc.unwrap_or(true),
                by.options.nulls_first.unwrap_or(false),
            )),
            Err(message) => {
                problems.add(
                    place,
                    format!("\"prefer\": {sql}: {message}"),
                    "an ordering is a function of one document's columns",
                );
                return None;
            }
        }
    }
    Some(sorts)
}

/// Makes a predicate over `schema`, which holds every column that the rule may name.
pub(crate) fn predicate(rule: &RuleSpec, schema: &Schema, problems: &mut Problems) -> Option<Predicate> {
    let place = &rule.place;
    let session = SessionContext::new();
    let table = DFSchema::try_from(schema.clone()).ok()?;
    let logical = match session.state().create_logical_expr(&rule.sql, &table) {
        Ok(logical) => logical,
        Err(error) => {
            let message = plain_message(&error);
            let hint = match message
                .strip_prefix("Invalid function '")
                .and_then(|rest| rest.strip_suffix('\''))
            {
                Some(name) => suggest(
                    name,
                    session
                        .state_ref()
                        .read()
                        .scalar_functions()
                        .keys()
                        .map(String::as_str),
                ),
                None => "functions are those of DataFusion's SQL".to_owned(),
            };
            problems.add(place, format!("rule {:?}: {message}", rule.name), hint);
            return None;
        }
    };
    if let Some(name) = unstable_function(&logical) {
        problems.add(
            place,
            format!(
                "rule {:?} uses {name}(), which gives another value each time",
                rule.name
            ),
            "output must be a function of input and recipe; use columns such as `timestamp` or `id`",
        );
        return None;
    }
    if has_aggregate(&logical) {
        problems.add(
            place,
            format!("rule {:?} looks at other rows", rule.name),
            "a rule sees one row; aggregates, windows and subqueries have no place in it",
        );
        return None;
    }
    match logical.get_type(&table) {
        Ok(DataType::Boolean) => {}
        Ok(DataType::Null) => {
            problems.add(
                place,
                format!("rule {:?} is always null", rule.name),
                "a row stays if the condition is true",
            );
            return None;
        }
        Ok(other) => {
            problems.add(
                place,
                format!("rule {:?} gives {other}, not true or false", rule.name),
                "compare it with something: `… >= 50`",
            );
            return None;
        }
        Err(error) => {
            problems.add(
                place,
                format!("rule {:?}: {}", rule.name, plain_message(&error)),
                "both sides of a comparison need types that compare",
            );
            return None;
        }
    }
    let columns = logical
        .column_refs()
        .into_iter()
        .map(|column| column.name.clone());
    let mut columns: Vec<String> = columns.collect();
    columns.sort_unstable();
    if columns.is_empty() {
        problems.add(
            place,
            format!("rule {:?} names no column", rule.name),
            "it would keep or drop everything",
        );
        return None;
    }
    if let Err(error) = session.create_physical_expr(logical.clone(), &table) {
        problems.add(
            place,
            format!("rule {:?}: {}", rule.name, plain_message(&error)),
            "both sides of a comparison need types that compare",
        );
        return None;
    }
    Some(Predicate { logical, columns })
}

/// Notes an unknown column.
pub(crate) fn unknown_column<'a>(
    name: &str,
    place: &Place,
    known: impl IntoIterator<Item = &'a str>,
    problems: &mut Problems,
) {
    let known: Vec<&str> = known.into_iter().collect();
    // SQL folds names to lower case unless they are quoted, and takes what stands in double quotes for a name.
    let folded = known
        .iter()
        .find(|column| **column != name && column.to_lowercase() == name);
    let hint = match folded {
        Some(column) => format!("write \"{column}\", in double quotes: others are read as lower case"),
        None => format!(
            "{}; a text stands in single quotes, as in 'en'",
            suggest(name, known)
        ),
    };
    problems.add(place, format!("unknown column {name:?}"), hint);
}

fn unstable_function(expr: &Expr) -> Option<String> {
    let mut found = None;
    let _ = expr.apply(|part| {
        if let Expr::ScalarFunction(function) = part
            && function.func.signature().volatility != Volatility::Immutable
        {
            found = Some(function.func.name().to_owned());
        }
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    found
}

fn has_aggregate(expr: &Expr) -> bool {
    let is_aggregate = |part: &Expr| {
        Ok(matches!(
            part,
            Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
                | Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
        ))
    };
    expr.exists(is_aggregate).unwrap_or(false)
}

/// The first line of DataFusion's message, without its kind.
fn plain_message(error: &datafusion::error::DataFusionError) -> String {
    let message = error.strip_backtrace();
    let message = message.lines().next().unwrap_or_default();
    let kinds = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "This feature is not implemented: ",
        "Internal error: ",
    ];
    let mut message = message;
    while let Some(rest) = kinds.iter().find_map(|kind| message.strip_prefix(kind)) {
        message = rest;
    }
    message.trim_end_matches('.').to_owned()
}

/// Takes ` at Line: 1, Column: 5` off a parser's message and turns it into a place.
fn located(message: &str, place: &Place) -> (String, Place) {
    let Some((text, position)) = message.split_once(" at Line: ") else {
        return (message.to_owned(), place.clone());
    };
    let mut numbers = position
        .split(", Column: ")
        .map(|number| number.trim().parse::<u64>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(line)), Some(Ok(column))) => (text.to_owned(), shifted(place, line, column)),
        _ => (text.to_owned(), place.clone()),
    }
}

/// The place of line and column of a text that starts at `place`. Only exact in one-line texts, so others keep
/// their start.
fn shifted(place: &Place, line: u64, column: u64) -> Place {
    match place {
        Place::Line(start_line, start) if line == 1 && column > 0 => {
            Place::Line(*start_line, start + column as usize - 1)
        }
        other => other.clone(),
    }
}
