//! A real RabbitMQ for a test: Debian's server with data, cookie and port mapper of its own, on the loopback only. Its
//! programs run in a PID namespace and end with it.

use tempfile::TempDir;

use crate::peer::{Peer, free_port};
use crate::running::Running;

/// A broker that can be killed and started again on the same data; dropping it ends it and deletes them.
pub struct Rabbitmq {
    server: Option<Running>,
    dir: TempDir,
    port: u16,
    /// Of the protocol between Erlang's nodes, and of its port mapper.
    internal: [u16; 2],
}

impl Rabbitmq {
    /// Starts one without data.
    pub fn start() -> Self {
        let mut broker = Self {
            server: None,
            dir: tempfile::tempdir().unwrap(),
            port: free_port(),
            internal: [free_port(), free_port()],
        };
        std::fs::write(broker.path("plugins"), "[].\n").unwrap();
        broker.resume();
        broker
    }

    /// Starts it again after [`Rabbitmq::kill`].
    pub fn resume(&mut self) {
        let [distribution, mapper] = self.internal;
        let port = self.port;
        let peer = Peer::new("/usr/lib/rabbitmq/bin/rabbitmq-server")
            .with_children()
            .env("HOME", self.path(""))
            .env("RABBITMQ_NODENAME", "test@localhost")
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("ERL_EPMD_PORT", mapper.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_MNESIA_BASE", self.path("mnesia"))
            .env("RABBITMQ_LOG_BASE", self.path("log"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_PID_FILE", self.path("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.path("plugins"))
            .env("RABBITMQ_CONFIG_FILE", self.path("none"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            // One scheduler that sleeps when there is nothing to do: the machine has others to run.
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
            )
            .ready_when(move || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
            .ready_timeout(std::time::Duration::from_secs(180));
        self.server = Some(peer.start());
    }

    /// Kills it, as a crash of its machine does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    /// Its URL as oslo.messaging's `transport_url`.
    pub fn url(&self) -> String {
        format!("rabbit://guest:guest@127.0.0.1:{}/", self.port)
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}
