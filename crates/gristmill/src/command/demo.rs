//! `demo`: a crawl to try recipes on, and the main recipe run over it.

use std::path::PathBuf;

use clap::Args;
use gristmill_engine::Error;

use super::{Context, recipe::RecipeArguments, run};

#[derive(Args)]
pub(crate) struct DemoArguments {
    /// The folder to make; what is in it already stays
    #[arg(default_value = "demo")]
    folder: PathBuf,
}

/// The recipe that the demo runs.
const RECIPE: &str = include_str!("../../../../recipes/web-text.yaml");

pub(crate) fn demo(context: &Context, arguments: &DemoArguments) -> Result<(), Error> {
    let folder = &arguments.folder;
    let failed =
        |error: std::io::Error| Error::Failed(format!("cannot write to {}: {error}", folder.display()));
    let crawl = folder.join("crawl");
    let names: Vec<PathBuf> = gristmill::demo_names().map(|name| crawl.join(name)).collect();
    // Files that are there already are the same; writing them again would make the run think they changed.
    if !names.iter().all(|name| name.exists()) {
        gristmill::demo_crawl(&crawl).map_err(failed)?;
    }
    let recipe = folder.join("web-text.yaml");
    std::fs::write(&recipe, RECIPE).map_err(failed)?;
    let path = |path: PathBuf| path.display().to_string();
    let (recipe, read, to) = (
        path(recipe),
        path(crawl.join("*.warc.gz")),
        path(folder.join("out")),
    );
    context.screen.say(&format!(
        "made {}: two WARC files of articles, menus, copies, images, errors and one damaged record\n\
         $ gristmill run {recipe} --read '{read}' --to {to} --set write.rejects=all",
        crawl.display()
    ));
    let set = vec!["write.rejects=all".to_owned()];
    run::run(
        context,
        &run::RunArguments::of(RecipeArguments::of(recipe, vec![read], to.clone(), set)),
    )?;
    context.screen.say(&format!(
        "\nnext:\n  gristmill query {to} \"SELECT url, text_title, text_non_symbol_word_count FROM text LIMIT 5\"\n  \
         gristmill query {to} \"SELECT verdict, count(*) AS n FROM rejects GROUP BY verdict ORDER BY n DESC\"\n  \
         gristmill why {to} https://garden-notes.example/draft"
    ));
    Ok(())
}
