//! How each service of the cloud is configured and started. Their ports, which the configuration has to name, are set in
//! the environment, as oslo.config allows.

use std::path::{Path, PathBuf};

use testkit::tools::run;
use testkit::{Peer, Postgresql, Running};

use crate::PYTHON;
use crate::broker::{PATIENCE, depths_at};

/// What all services share.
pub(super) struct Setup<'a> {
    pub(super) dir: &'a Path,
    pub(super) broker: String,
    pub(super) databases: &'a Postgresql,
    /// Topics of notifications.
    pub(super) topics: &'a str,
    /// Options by which a service logs in at Keystone.
    pub(super) login: String,
}

impl Setup<'_> {
    /// Images in files.
    pub(super) fn glance(&self) -> Running {
        let dir = self.folder("glance");
        let path = dir.display();
        let own = format!(
            "workers = 0\nenabled_backends = files:file\n[glance_store]\ndefault_backend = files\n\
             [files]\nfilesystem_store_datadir = {path}/images\n\
             [os_glance_staging_store]\nfilesystem_store_datadir = {path}/staging\n\
             [os_glance_tasks_store]\nfilesystem_store_datadir = {path}/tasks\n\
             [paste_deploy]\nflavor = keystone\nconfig_file = /usr/share/glance-common/glance-api-paste.ini\n"
        );
        let conf = self.configuration(&self.databases.database(), &dir, &own);
        run("glance-manage", ["--config-file", &conf, "db_sync"]);
        service("glance-api", &["--config-file", &conf])
            .env("OS_DEFAULT__BIND_HOST", "127.0.0.1")
            .env("OS_DEFAULT__BIND_PORT", "{port}")
            .wait_http("/")
            .start()
    }

    /// Volumes of Cinder's own driver for tests, which are there but hold nothing.
    pub(super) fn cinder(&self) -> Running {
        let dir = self.folder("cinder");
        let path = dir.display();
        let own = format!(
            "state_path = {path}\napi_paste_config = /usr/share/cinder-common/api-paste.ini\nosapi_volume_workers = 1\n\
             host = storage-1\nenabled_backends = fake\n\
             backup_driver = cinder.backup.drivers.posix.PosixBackupDriver\nbackup_posix_path = {path}/backups\n\
             [fake]\nvolume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver\n\
             [coordination]\nbackend_url = file://{path}/coordination\n"
        );
        let conf = self.configuration(&self.databases.database(), &dir, &own);
        run("cinder-manage", ["--config-file", &conf, "db", "sync"]);
        let broker = self.broker.clone();
        // What the API sends to one that does not listen yet is lost.
        let queues = [
            "cinder-scheduler",
            "cinder-backup",
            "cinder-volume.storage-1@fake",
        ];
        service(
            PYTHON,
            &[&script("cinder_services.py"), "--config-file", &conf],
        )
        .env("OS_DEFAULT__OSAPI_VOLUME_LISTEN", "127.0.0.1")
        .env("OS_DEFAULT__OSAPI_VOLUME_LISTEN_PORT", "{port}")
        .ready_when(move || depths_at(&broker, &queues).iter().all(Option::is_some))
        .start()
    }

    /// Networks that are there in name only: no agent makes them.
    pub(super) fn neutron(&self) -> Running {
        let dir = self.folder("neutron");
        let own = format!(
            "state_path = {}\napi_paste_config = /usr/share/neutron-common/api-paste.ini\napi_workers = 0\nrpc_workers = 0\n\
             core_plugin = ml2\nservice_plugins = router\nnotify_nova_on_port_status_changes = false\n\
             notify_nova_on_port_data_changes = false\n\
             [ml2]\ntype_drivers = local\ntenant_network_types = local\nmechanism_drivers =\n",
            dir.display()
        );
        let database = self.databases.database();
        let conf = self.configuration(&database, &dir, &own);
        // Its tables without the migrations that once led to them, which take long.
        let create = "import sqlalchemy, sys; from neutron.db.migration.models import head; \
                      head.get_metadata().create_all(sqlalchemy.create_engine(sys.argv[1]))";
        run(PYTHON, ["-c", create, &database]);
        service("neutron-server", &["--config-file", &conf])
            .env("OS_DEFAULT__BIND_HOST", "127.0.0.1")
            .env("OS_DEFAULT__BIND_PORT", "{port}")
            .wait_http("/")
            .start()
    }

    /// Objects on one disk.
    pub(super) fn swift(&self) -> Running {
        let dir = self.folder("swift");
        let login = dir.join("login");
        std::fs::write(&login, &self.login).unwrap();
        let [dir, login] = [dir, login].map(|path| path.display().to_string());
        service(
            PYTHON,
            &[&script("swift_services.py"), &dir, "{port}", &login],
        )
        .wait_http("/info")
        .start()
    }

    fn folder(&self, name: &str) -> PathBuf {
        let dir = self.dir.join(name);
        std::fs::create_dir(&dir).unwrap();
        dir
    }

    /// Writes the configuration of a service, with its own part in the middle of `[DEFAULT]`, and gives its path.
    fn configuration(&self, database: &str, dir: &Path, own: &str) -> String {
        let Self {
            broker,
            topics,
            login,
            ..
        } = self;
        let conf = dir.join("service.conf");
        let text = format!(
            "[DEFAULT]\ntransport_url = {broker}\n{own}\
             [database]\nconnection = {database}\n[oslo_concurrency]\nlock_path = {}\n[keystone_authtoken]\n{login}\
             [oslo_messaging_notifications]\ndriver = messagingv2\ntopics = {topics}\n",
            dir.join("locks").display(),
        );
        std::fs::write(&conf, text).unwrap();
        conf.display().to_string()
    }
}

/// Brings the counts of accounts up to date, which a daemon does now and then.
pub(super) fn count_objects(dir: &Path) {
    let conf = dir.join("swift/container.conf").display().to_string();
    run("swift-container-updater", [&conf, "once"]);
}

fn service(program: &str, args: &[&str]) -> Peer {
    Peer::new(program)
        .args(args.iter().copied())
        .with_children()
        .ready_timeout(PATIENCE)
}

fn script(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ceilometer/openstack");
    dir.join(name).display().to_string()
}
