//! The page at `/`: what this program is, where its pages are and what it exports.

use std::fmt::Write as _;

use crate::daemon::Exports;
use crate::program::Program;

/// What the page says.
pub(crate) struct Landing {
    /// The program's facts.
    pub(crate) program: Program,
    /// Where the metrics are.
    pub(crate) telemetry_path: String,
    /// The program's own pages: path and title.
    pub(crate) links: Vec<(&'static str, &'static str)>,
    /// Names what is exported, where that is not the collectors.
    pub(crate) exports: Option<Exports>,
}

impl Landing {
    /// The page as HTML. Without collectors it has no list of them.
    pub(crate) fn html(&self, collectors: &[&str]) -> String {
        let (list, exported): (_, Vec<String>) = match &self.exports {
            Some((list, names)) => (*list, names()),
            None => {
                let names = collectors.iter().map(|&name| name.to_owned());
                ("Collectors", names.collect())
            }
        };
        let Program {
            name,
            about,
            version,
            ..
        } = self.program;
        let (name, about, version) = (escape(name), escape(about), escape(version));
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{name}</title>\
             <style>body{{font-family:sans-serif;margin:2em}}</style></head>\n<body>\n<h1>{name}</h1>\n\
             <p>{about}</p>\n<p>Version {version}</p>\n<ul>\n"
        );
        let shared = [("/-/healthy", "Health"), ("/-/ready", "Readiness")];
        let metrics = (self.telemetry_path.as_str(), "Metrics");
        let own = self.links.iter().copied();
        for (path, title) in [metrics].into_iter().chain(own).chain(shared) {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "<li><a href=\"{}\">{title}</a></li>", escape(path));
        }
        page.push_str("</ul>\n");
        if !exported.is_empty() {
            let _ = writeln!(page, "<h2>{}</h2>\n<ul>", escape(list));
            for name in &exported {
                let _ = writeln!(page, "<li>{}</li>", escape(name));
            }
            page.push_str("</ul>\n");
        }
        page.push_str("</body>\n</html>\n");
        page
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_links_to_the_metrics_and_escapes_what_it_shows() {
        let program = Program {
            name: "x",
            about: "a < b & \"c\"",
            version: "1.2",
            default_listen: ":1",
            build_info: &[],
        };
        let mut landing = Landing {
            program,
            telemetry_path: "/m".to_owned(),
            links: vec![("/own", "Own page")],
            exports: None,
        };
        let page = landing.html(&["cpu"]);
        for part in [
            "<h1>x</h1>",
            "<a href=\"/m\">Metrics</a>",
            "<a href=\"/own\">Own page</a>",
            "a &lt; b &amp; &quot;c&quot;",
            "Version 1.2",
            "<li>cpu</li>",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(!landing.html(&[]).contains("Collectors"));
        landing.exports = Some(("Parts", Box::new(|| vec!["part <1>".to_owned()])));
        let page = landing.html(&["cpu"]);
        assert!(page.contains("<h2>Parts</h2>\n<ul>\n<li>part &lt;1&gt;</li>"));
        assert!(!page.contains("cpu"));
    }
}
