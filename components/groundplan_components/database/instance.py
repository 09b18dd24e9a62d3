"""One PostgreSQL instance (a whole database or one shard) with read replicas, the administrator's secret and alarms."""

import pulumi
import pulumi_random as random
from pulumi_aws import rds

from groundplan_components.database._instance_alarms import declare_alarms
from groundplan_components.database._instance_args import POSTGRES_PORT, DatabaseArgs, check_database
from groundplan_components.database._instance_settings import shared_settings
from groundplan_components.database._monitoring import log_groups, monitoring_role
from groundplan_components.database._parameter_group import parameter_group
from groundplan_components.database._replicas import declare_replica
from groundplan_components.database._rotation_access import rotation_security_group
from groundplan_components.database.rotation import RotationFunction, RotationFunctionArgs, RotationStrategy
from groundplan_components.keys import StoredSecret, generated_password, rotate
from groundplan_components.shared.client_access import client_security_group

# At most 16 letters, digits and underscores, and not `admin`, which RDS for PostgreSQL reserves.
ADMINISTRATOR = "dba"


class Database(pulumi.ComponentResource):
    """PostgreSQL on RDS: encrypted, TLS only, in the data subnets, open to named security groups only.

    The administrator's password is generated, and rotated minutes after the first deployment, so that the password in
    Pulumi's state is no longer valid. RDS's managed password can't be combined with read replicas of PostgreSQL (RDS
    user guide, "Password management with Secrets Manager").

    The instance holds the database `postgres` only: each service's migration job creates its own
    (`ServiceCredentials`).
    """

    address: pulumi.Output[str]
    """Host name of the primary."""
    port: pulumi.Output[int]
    replica_addresses: list[pulumi.Output[str]]
    identifier: pulumi.Output[str]
    resource_id: pulumi.Output[str]
    """The id that `rds-db:connect` policies name."""
    arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    rotation_security_group_id: pulumi.Output[str]
    """For functions that rotate the users of this database."""
    admin_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_database(name, args)
        super().__init__("groundplan:index:Database", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)
        protect = args.get("protect", True)
        version = args.get("postgres_version", "17")
        running = args.get("running_postgres_version", version)

        # Log groups carry the instance's identifier and must exist first: RDS would create them without key and
        # retention. So the program generates the identifier. Its random part allows a database to be deleted and
        # created again.
        suffix = random.RandomId(f"{name}-suffix", byte_length=3, opts=inside)
        identifier = pulumi.Output.concat(name, "-", suffix.hex)

        subnets = rds.SubnetGroup(
            f"{name}-subnets",
            subnet_ids=args["subnet_ids"],
            description=f"Data subnets of {name}",
            tags={"Name": name},
            opts=inside,
        )
        # No egress: a database opens no connections (S1, P3).
        group = client_security_group(
            name,
            parent=self,
            description=f"Database {name}",
            vpc_id=args["vpc_id"],
            clients=args["client_security_group_ids"],
            protocol="PostgreSQL",
            port=POSTGRES_PORT,
        )
        rotation_group = rotation_security_group(self, name, args, group)
        settings = parameter_group(self, name, version, args, running=version == running)
        # Replicas are upgraded with their primary, and a group of another version is refused until then.
        replica_settings = settings if version == running else parameter_group(self, name, running, args, running=True)
        monitoring = monitoring_role(self, name, args["kms_key_arn"])
        password = generated_password(f"{name}-admin-password", self)

        restored = args.get("restored_from")
        primary = rds.Instance(
            f"{name}-primary",
            identifier=identifier,
            engine="postgres",
            engine_version=version,
            instance_class=args["instance_class"],
            allow_major_version_upgrade=args.get("allow_major_upgrade", version != running),
            username=ADMINISTRATOR,
            password=password.result,
            port=POSTGRES_PORT,
            allocated_storage=args["storage_gib"],
            kms_key_id=restored["kms_key_arn"] if restored is not None else args["kms_key_arn"],
            snapshot_identifier=restored["snapshot"] if restored is not None else None,
            multi_az=args.get("multi_zone", True),
            db_subnet_group_name=subnets.name,
            backup_retention_period=args.get("backup_days", 14),
            backup_window=args.get("backup_window", "02:00-03:00"),
            delete_automated_backups=not protect,
            maintenance_window=args.get("maintenance_window", "sun:04:00-sun:05:00"),
            deletion_protection=protect,
            skip_final_snapshot=not args.get("final_snapshot", protect),
            final_snapshot_identifier=pulumi.Output.concat(identifier, "-final"),
            # AWS Backup selects by this tag.
            tags={"Name": name, "backup": "true"},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                depends_on=[*log_groups(self, name, identifier, args), monitoring],
                # Rotation changes the password; resetting it would lock all clients out. An instance keeps the key and
                # the snapshot that it was made with: another value of theirs would replace it, with all its data.
                ignore_changes=["password", "kmsKeyId", "snapshotIdentifier"],
            ),
            **shared_settings(args, settings, group, monitoring),
        )
        replicas = [
            declare_replica(self, name, number, primary, identifier, args, replica_settings, group, monitoring)
            for number in range(1, args.get("replicas", 0) + 1)
        ]

        secrets_key = args.get("secrets_kms_key_arn", args["kms_key_arn"])
        secret = StoredSecret(
            f"{name}-admin",
            {
                "description": f"Administrator of the database {name}",
                "kms_key_arn": secrets_key,
                "content": {
                    "engine": "postgres",
                    "host": primary.address,
                    "port": str(POSTGRES_PORT),
                    "username": ADMINISTRATOR,
                    "password": password.result,
                    # With it the rotation function never falls back to a connection without TLS.
                    "ssl": "true",
                },
                "rotated": True,
                "protect": protect,
            },
            inside,
        )
        rotation_args: RotationFunctionArgs = {
            "strategy": RotationStrategy.SINGLE_USER,
            "function_name": pulumi.Output.concat(identifier, "-admin"),
            "subnet_ids": args["rotation_subnet_ids"],
            "security_group_id": rotation_group.id,
            "kms_key_arn": secrets_key,
            "log_days": args.get("log_days", 90),
        }
        if "alarm_topic_arn" in args:
            rotation_args["alarm_topic_arn"] = args["alarm_topic_arn"]
        rotation = RotationFunction(f"{name}-admin-rotation", rotation_args, inside)
        days = args.get("rotation_days", 30)
        rotate(f"{name}-admin-schedule", secret, rotation.rotator, days, immediately=True, parent=self)
        declare_alarms(self, name, args, primary, replicas)

        self.address = primary.address
        self.port = primary.port
        self.replica_addresses = [replica.address for replica in replicas]
        self.identifier = primary.identifier
        self.resource_id = primary.resource_id
        self.arn = primary.arn
        self.security_group_id = group.id
        self.rotation_security_group_id = rotation_group.id
        self.admin_secret_arn = secret.arn
        self.register_outputs(
            {
                "address": self.address,
                "port": self.port,
                "replica_addresses": self.replica_addresses,
                "identifier": self.identifier,
                "resource_id": self.resource_id,
                "arn": self.arn,
                "security_group_id": self.security_group_id,
                "rotation_security_group_id": self.rotation_security_group_id,
                "admin_secret_arn": self.admin_secret_arn,
            }
        )
