//! A small real cloud: Debian's Keystone, Glance, Cinder, Neutron and Swift, which log in at Keystone, have their databases
//! in PostgreSQL and tell by way of RabbitMQ what happens.

mod services;
pub(crate) mod things;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::http::request;
use testkit::{Keystone, Postgresql, Rabbitmq, Running};

use crate::support::JSON;

/// The project whose resources Ceilometer's gnocchi publisher leaves out, for they are the services' own.
pub(crate) const SERVICE: &str = "service";

/// A running cloud, with a user `alice` in a project of hers.
pub(crate) struct Cloud {
    keystone: Keystone,
    image: Running,
    volume: Running,
    network: Running,
    object: Running,
    dir: TempDir,
    _databases: Postgresql,
}

/// Somebody who is logged in, in one project.
pub(crate) struct User {
    token: String,
    pub(crate) project: String,
}

impl Cloud {
    /// One of that Keystone whose services send their notifications to those topics.
    pub(crate) fn start(keystone: Keystone, broker: &Rabbitmq, topics: &str) -> Self {
        let url = keystone.auth_url();
        keystone.register("identity", &url);
        let service = keystone.project(SERVICE);
        keystone.user("ceilometer", &service, "admin");
        let project = keystone.project("weather");
        keystone.user("alice", &project, "member");
        let dir = tempfile::tempdir().unwrap();
        let databases = Postgresql::start();
        let setup = services::Setup {
            dir: dir.path(),
            broker: broker.url(),
            databases: &databases,
            topics,
            login: keystone.options("ceilometer", SERVICE),
        };
        let (image, volume, network, object) = std::thread::scope(|scope| {
            let image = scope.spawn(|| setup.glance());
            let volume = scope.spawn(|| setup.cinder());
            let network = scope.spawn(|| setup.neutron());
            let object = setup.swift();
            let [image, volume, network] = [image, volume, network].map(|it| it.join().unwrap());
            (image, volume, network, object)
        });
        keystone.register("image", &image.url(""));
        keystone.register("volumev3", &volume.url("/v3/$(project_id)s"));
        keystone.register("network", &network.url(""));
        keystone.register("object-store", &object.url("/v1/AUTH_$(project_id)s"));
        Self {
            keystone,
            image,
            volume,
            network,
            object,
            dir,
            _databases: databases,
        }
    }

    /// The options by which Ceilometer logs in.
    pub(crate) fn ceilometer(&self) -> String {
        self.keystone.options("ceilometer", SERVICE)
    }

    /// Logs somebody in.
    pub(crate) fn user(&self, name: &str, project: &str) -> User {
        let token = self.keystone.token(name, project);
        let project = self.keystone.project_id(project);
        User { token, project }
    }

    /// Makes an image with those bytes.
    pub(crate) fn image(&self, user: &User, name: Option<&str>, bytes: &[u8]) -> String {
        let body = json!({"name": name, "container_format": "bare", "disk_format": "raw"});
        let image = self.ask(user, "POST", &self.image.url("/v2/images"), &body);
        let id = id(&image);
        let url = self.image.url(&format!("/v2/images/{id}/file"));
        send(user, "PUT", &url, "application/octet-stream", bytes);
        id
    }

    /// Gives an image another name.
    pub(crate) fn rename_image(&self, user: &User, image: &str, name: &str) {
        let patch = json!([{"op": "replace", "path": "/name", "value": name}]).to_string();
        let url = self.image.url(&format!("/v2/images/{image}"));
        let json_patch = "application/openstack-images-v2.1-json-patch";
        send(user, "PATCH", &url, json_patch, patch.as_bytes());
    }

    pub(crate) fn delete_image(&self, user: &User, image: &str) {
        let url = self.image.url(&format!("/v2/images/{image}"));
        self.ask(user, "DELETE", &url, &Value::Null);
    }

    /// Asks the volume service for something of a user's project.
    pub(crate) fn volumes(&self, user: &User, method: &str, path: &str, body: &Value) -> Value {
        let url = self.volume.url(&format!("/v3/{}{path}", user.project));
        self.ask(user, method, &url, body)
    }

    /// Asks the network service.
    pub(crate) fn networks(&self, user: &User, method: &str, path: &str, body: &Value) -> Value {
        let url = self.network.url(&format!("/v2.0{path}"));
        self.ask(user, method, &url, body)
    }

    /// Puts a container, or an object into one, and has the account count it.
    pub(crate) fn put_object(&self, user: &User, path: &str, bytes: &[u8]) {
        let url = self.object.url(&format!("/v1/AUTH_{}{path}", user.project));
        send(user, "PUT", &url, "application/octet-stream", bytes);
        services::count_objects(self.dir.path());
    }

    fn ask(&self, user: &User, method: &str, url: &str, body: &Value) -> Value {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = send(user, method, url, JSON.1, body.as_bytes());
        serde_json::from_slice(&answer).unwrap_or_default()
    }
}

/// The id of what was made.
pub(crate) fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

fn send(user: &User, method: &str, url: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let headers = [
        ("x-auth-token", user.token.as_str()),
        ("content-type", kind),
        ("accept", JSON.1),
    ];
    let answer = request(method, url, &headers, body);
    assert!(answer.status < 300, "{method} {url}: {answer:?}");
    answer.body
}
