//! Small apps that the tarball is installed into, each built in the way of its tool, without a word of configuration
//! for keepfresh.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::Shell;

use crate::{package, readme, recipes, size, step, tools};

/// Where the apps are.
const HERE: &str = "tests/consumers";
/// Two at a time: more than that only wait for each other.
const AT_ONCE: usize = 2;

/// One app. Its folder has its name, and so has the test that opens it, with `_` for `-`.
struct Consumer {
    name: &'static str,
    /// What the table in the README calls it; `{}` is the version of its tool.
    title: &'static str,
    /// The package whose version is told, and where it is looked up.
    tool: &'static str,
    /// What builds it, with `{out}` for the folder to build into. Empty: it is not built.
    build: &'static str,
    /// Copied as it is: the tool knows nothing of pages.
    page: bool,
}

const CONSUMERS: [Consumer; 15] = [
    Consumer {
        name: "vite",
        title: "Vite {}, React",
        tool: "vite",
        build: "vite build --outDir {out} --emptyOutDir",
        page: false,
    },
    Consumer {
        name: "vite-dev",
        title: "Vite {}, React, dev server, cold cache",
        tool: "vite",
        build: "",
        page: false,
    },
    Consumer {
        name: "vite-7",
        title: "Vite {}, React",
        tool: "vite-7/vite",
        build: "vite build --outDir {out} --emptyOutDir",
        page: false,
    },
    Consumer {
        name: "vite-slim",
        title: "Vite {}, `keepfresh/slim`",
        tool: "vite",
        build: "vite build --outDir {out} --emptyOutDir",
        page: false,
    },
    Consumer {
        name: "webpack",
        title: "webpack {}",
        tool: "webpack",
        build: "webpack build --mode production --output-path {out}",
        page: true,
    },
    Consumer {
        name: "webpack-slim",
        title: "webpack {}, `keepfresh/slim`",
        tool: "webpack",
        build: "webpack build --mode production --output-path {out}",
        page: true,
    },
    Consumer {
        name: "rspack",
        title: "Rspack {}",
        tool: "@rspack/core",
        build: "rspack build --mode production --output-path {out}",
        page: true,
    },
    Consumer {
        name: "rollup",
        title: "Rollup {}",
        tool: "rollup",
        build: "rollup main.js --plugin node-resolve --dir {out} --silent",
        page: true,
    },
    Consumer {
        name: "esbuild",
        title: "esbuild {}",
        tool: "esbuild",
        build: "esbuild main.js --bundle --minify --format=esm --outdir={out}",
        page: true,
    },
    Consumer {
        name: "parcel",
        title: "Parcel {}",
        tool: "parcel",
        build: "parcel build index.html --dist-dir {out} --no-cache --no-source-maps",
        page: false,
    },
    Consumer {
        name: "next",
        title: "Next {}, rendered on the server and in the page",
        tool: "next",
        build: "next build",
        page: false,
    },
    Consumer {
        name: "worker",
        title: "dedicated worker, Vite {}",
        tool: "vite",
        build: "vite build --outDir {out} --emptyOutDir",
        page: false,
    },
    Consumer {
        name: "service-worker",
        title: "service worker, esbuild {}",
        tool: "esbuild",
        build: "esbuild main.js service-worker.js --bundle --minify --format=esm --outdir={out}",
        page: true,
    },
    Consumer {
        name: "import-map",
        title: "no bundler, import map",
        tool: "",
        build: "",
        page: true,
    },
    Consumer {
        name: "node",
        title: "Node 20.12 or later, plain `import`",
        tool: "",
        build: "",
        page: false,
    },
];

/// Installs the tarball into the apps, and builds those that have changed since they were last built.
pub(crate) fn build(sh: &Shell, tarball: &Path) -> Result<()> {
    let here = sh.current_dir().join(HERE);
    tools::install(sh, &here)?;
    let installed = here.join("node_modules/keepfresh");
    package::unpack(sh, tarball, &installed)?;

    let built = sh.current_dir().join("target/consumers");
    let mut shared = vec![here.join("package-lock.json"), here.join("story.js")];
    sources(&installed, &mut shared)?;
    // No app is built of its texts.
    shared.retain(|file| file.extension().is_none_or(|extension| extension != "md"));
    let shared = hash_of(shared)?;
    let stale = CONSUMERS
        .iter()
        .map(|consumer| Job::new(consumer, &here, &built, shared))
        .collect::<Result<Vec<_>>>()?;
    let queue = Mutex::new(stale.into_iter().filter(|job| !job.is_done()));
    let next = || queue.lock().ok()?.next();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(|| std::iter::from_fn(next).try_for_each(|job| job.run())))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Ok(())))
    })?;
    // Two that need no tool.
    let bare = built.join("import-map");
    sh.copy_file(here.join("story.js"), &bare)?;
    package::unpack(sh, tarball, &bare.join("keepfresh"))?;
    recipes::build(sh, &here, &built.join("recipes"))
}

/// An error if the README's table of consumers is not the one that is run. `write`: it is made so.
pub(crate) fn check_table(sh: &Shell, write: bool) -> Result<()> {
    let table = table(sh)?;
    print!("{table}");
    readme::agree(sh, "consumers", &table, write, size::WRITE)
}

/// What is run, and what has to come of it.
fn table(sh: &Shell) -> Result<String> {
    let lock = sh.read_file(Path::new(HERE).join("package-lock.json"))?;
    let lock: Value = serde_json::from_str(&lock)?;
    let mut table =
        String::from("| consumer | requests answered | refreshes |\n| --- | --- | --- |\n");
    for consumer in &CONSUMERS {
        let title = consumer.title.replace("{}", version(&lock, consumer.tool));
        table += &format!("| {title} | 20 of 20 | 1 |\n");
    }
    Ok(table)
}

fn version<'a>(lock: &'a Value, tool: &str) -> &'a str {
    // A path of its own where the app has another version than its neighbours.
    let path = tool
        .split_once('/')
        .filter(|(app, _)| !app.starts_with('@'));
    let path = match path {
        Some((app, tool)) => format!("{app}/node_modules/{tool}"),
        None => format!("node_modules/{tool}"),
    };
    lock.pointer(&format!("/packages/{}/version", path.replace('/', "~1")))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The build of one app.
struct Job {
    consumer: &'static Consumer,
    folder: PathBuf,
    out: PathBuf,
    stamp: String,
}

impl Job {
    fn new(consumer: &'static Consumer, here: &Path, built: &Path, shared: u64) -> Result<Self> {
        let folder = here.join(consumer.name);
        let mut files = Vec::new();
        if folder.exists() {
            sources(&folder, &mut files)?;
        }
        let mut hasher = DefaultHasher::new();
        (shared, hash_of(files)?, consumer.build).hash(&mut hasher);
        Ok(Self {
            consumer,
            folder,
            out: built.join(consumer.name),
            stamp: format!("{:016x}", hasher.finish()),
        })
    }

    fn is_done(&self) -> bool {
        fs::read_to_string(self.stamp_file()).is_ok_and(|stamp| stamp == self.stamp)
    }

    fn stamp_file(&self) -> PathBuf {
        self.out.with_extension("stamp")
    }

    fn run(&self) -> Result<()> {
        let name = self.consumer.name;
        if self.out.exists() {
            fs::remove_dir_all(&self.out)?;
        }
        fs::create_dir_all(&self.out)?;
        if !self.consumer.build.is_empty() {
            step(&format!("building the app of {name}"));
            self.build()
                .with_context(|| format!("the app of {name} does not build"))?;
        }
        if self.consumer.page {
            fs::copy(self.folder.join("index.html"), self.out.join("index.html"))?;
        }
        // Last, because it says that all is there.
        fs::write(self.stamp_file(), &self.stamp)?;
        Ok(())
    }

    fn build(&self) -> Result<()> {
        let mut words = self.consumer.build.split(' ');
        let tool = words.next().unwrap_or_default();
        let own = self.folder.join("node_modules/.bin").join(tool);
        let shared = self.folder.join("../node_modules/.bin").join(tool);
        let out = self.out.to_string_lossy();
        let output = Command::new(if own.exists() { own } else { shared })
            .args(words.map(|word| word.replace("{out}", &out)))
            .current_dir(&self.folder)
            // Nobody is asked, and nobody is told.
            .env("CI", "true")
            .env("NEXT_TELEMETRY_DISABLED", "1")
            .output()?;
        ensure!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

/// All files of an app but those that are built.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let built = ["node_modules", ".next", ".parcel-cache", "next-env.d.ts"];
        if built.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            sources(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn hash_of(mut files: Vec<PathBuf>) -> Result<u64> {
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(&file)
            .with_context(|| file.display().to_string())?
            .hash(&mut hasher);
    }
    Ok(hasher.finish())
}
