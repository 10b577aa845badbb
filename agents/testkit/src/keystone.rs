//! A real Keystone on SQLite, with a user `admin` of the project `admin`; its users and projects are made over its API
//! as an operator makes them.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Response, request};
use crate::peer::Peer;
use crate::running::Running;
use crate::tools::run;

/// Password of every user.
const PASSWORD: &str = "secret";
const JSON: (&str, &str) = ("content-type", "application/json");
/// Makes a database that has a log of writes: Keystone, which writes on one connection while it still reads on another
/// one, waits for itself without.
const WRITE_AHEAD: &str =
    "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode = WAL')";

/// A running Keystone; dropping it stops it.
pub struct Keystone {
    running: Running,
    admin: String,
    _dir: TempDir,
}

impl Keystone {
    /// Makes its database and keys and starts it.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let config = path("keystone.conf");
        let text = format!(
            "[DEFAULT]\nlog_file = {}\n[database]\nconnection = sqlite:///{}\n[fernet_tokens]\nkey_repository = {}\n\
             [credential]\nkey_repository = {}\n[cache]\nenabled = true\nbackend = dogpile.cache.memory\n[identity]\npassword_hash_rounds = 4\n",
            path("log"),
            path("keystone.db"),
            path("fernet"),
            path("credential"),
        );
        std::fs::write(&config, text).unwrap();
        run(
            "/usr/bin/python3",
            ["-c", WRITE_AHEAD, &path("keystone.db")],
        );
        let manage = |args: &[&str]| {
            let args = ["--config-file", &config]
                .into_iter()
                .chain(args.iter().copied());
            run("keystone-manage", args.map(str::to_owned));
        };
        let root = ["--keystone-user", "root", "--keystone-group", "root"];
        std::fs::create_dir(path("fernet")).unwrap();
        std::fs::create_dir(path("credential")).unwrap();
        manage(&["db_sync"]);
        manage(&[&["fernet_setup"], root.as_slice()].concat());
        manage(&[&["credential_setup"], root.as_slice()].concat());
        manage(&["bootstrap", "--bootstrap-password", PASSWORD]);
        let running = Peer::new("keystone-wsgi-public")
            .args(["--port", "{port}", "--host", "127.0.0.1"])
            .env("OS_KEYSTONE_CONFIG_FILES", &config)
            .wait_http("/v3")
            .start();
        let mut keystone = Self {
            running,
            admin: String::new(),
            _dir: dir,
        };
        keystone.admin = keystone.token("admin", "admin");
        keystone
    }

    /// The identity API, with its version.
    pub fn auth_url(&self) -> String {
        self.running.url("/v3")
    }

    /// A new project's id.
    pub fn project(&self, name: &str) -> String {
        let body = json!({"project": {"name": name, "domain_id": "default"}});
        id(&self.admin_post("/v3/projects", &body)["project"])
    }

    /// The id of a project that is there.
    pub fn project_id(&self, name: &str) -> String {
        let found = self.as_admin("GET", &format!("/v3/projects?name={name}"), b"");
        id(&found.expect_status(200).json()["projects"][0])
    }

    /// A new user with a role in a project.
    pub fn user(&self, name: &str, project_id: &str, role: &str) {
        let body = json!({"user": {"name": name, "domain_id": "default", "password": PASSWORD}});
        let user = id(&self.admin_post("/v3/users", &body)["user"]);
        let roles = self
            .as_admin("GET", &format!("/v3/roles?name={role}"), b"")
            .expect_status(200)
            .json();
        let role = id(&roles["roles"][0]);
        let path = format!("/v3/projects/{project_id}/users/{user}/roles/{role}");
        self.as_admin("PUT", &path, b"").expect_status(204);
    }

    /// Puts a service of that type into the catalogue.
    pub fn register(&self, service: &str, url: &str) {
        let body = json!({"service": {"type": service, "name": service}});
        let service = id(&self.admin_post("/v3/services", &body)["service"]);
        let body = json!({"endpoint": {"service_id": service, "interface": "public", "url": url}});
        self.admin_post("/v3/endpoints", &body);
    }

    /// A token of a user for a project, both by name.
    pub fn token(&self, user: &str, project: &str) -> String {
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user":
                {"name": user, "domain": {"id": "default"}, "password": PASSWORD}}},
            "scope": {"project": {"name": project, "domain": {"id": "default"}}},
        }});
        let url = self.running.url("/v3/auth/tokens");
        let response = request("POST", &url, &[JSON], body.to_string().as_bytes());
        let response = response.expect_status(201);
        response.header("x-subject-token").unwrap().to_owned()
    }

    /// Makes a token invalid before its time.
    pub fn revoke(&self, token: &str) {
        let url = self.running.url("/v3/auth/tokens");
        let headers = [
            ("x-auth-token", self.admin.as_str()),
            ("x-subject-token", token),
        ];
        request("DELETE", &url, &headers, b"").expect_status(204);
    }

    /// The environment by which OpenStack's clients log in.
    pub fn environment(&self, user: &str, project: &str) -> Vec<(String, String)> {
        [
            ("OS_AUTH_TYPE", "password"),
            ("OS_AUTH_URL", &self.auth_url()),
            ("OS_USERNAME", user),
            ("OS_PASSWORD", PASSWORD),
            ("OS_PROJECT_NAME", project),
            ("OS_USER_DOMAIN_ID", "default"),
            ("OS_PROJECT_DOMAIN_ID", "default"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The options by which OpenStack's services log in.
    pub fn options(&self, user: &str, project: &str) -> String {
        let environment = self.environment(user, project).into_iter();
        let options = environment.map(|(name, value)| {
            let option = name.trim_start_matches("OS_").to_lowercase();
            format!("{option} = {value}\n")
        });
        options.chain(["interface = public\n".to_owned()]).collect()
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        self.running.kill();
    }

    fn admin_post(&self, path: &str, body: &Value) -> Value {
        let response = self.as_admin("POST", path, body.to_string().as_bytes());
        response.expect_status(201).json()
    }

    fn as_admin(&self, method: &str, path: &str, body: &[u8]) -> Response {
        let headers = [("x-auth-token", self.admin.as_str()), JSON];
        request(method, &self.running.url(path), &headers, body)
    }
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap().to_owned()
}
