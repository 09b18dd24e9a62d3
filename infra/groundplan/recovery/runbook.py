"""The runbook of a lost region, as a table: the document is written from it, and the rehearsal executes its commands.

A command is a line of shell. Its variables are those of `VARIABLES`; `groundplan.rehearsal.night` knows each command by
its first words, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Phase = Literal["Before", "That night", "Afterwards"]

VARIABLES: Mapping[str, str] = {
    "SYSTEM": "the system's name",
    "LOST": "the stack whose region is lost",
    "NEW": "the stack that takes its place: a name of at most 12 characters that doesn't begin with the lost one's",
    "REGION": "where the copies are: `backup_copy_region` of the lost stack",
    "DOMAIN": "the domain of the lost stack",
    "BACKEND_URL": "`BackendUrl` among the outputs of the CloudFormation stack `$SYSTEM-$NEW-state`",
    "LOST_BACKEND_URL": "the same of the lost stack",
    "SECRETS_PROVIDER": "`SecretsProvider` among the same outputs",
    "LOG_COPY": "the event log's recovery point, printed by `groundplan recover`",
    "LOG_RESTORED": "a name of your choice for the bucket that it is restored to",
    "LOG": "the new stack's log: in `aws s3 ls` the bucket that begins with `$SYSTEM-$NEW--event-log-store`",
    "RESTORE_ROLE": "its ARN: in `aws iam list-roles --path-prefix /$SYSTEM/$NEW/` the one with `bucket-restores`",
    "NEXT": "a region for the copies of the new stack",
}
"""Each variable, and where its value comes from."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, why, by which commands, and how one knows that it is done."""

    key: str
    phase: Phase
    title: str
    why: str
    commands: tuple[str, ...] = ()
    done: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        "copies",
        "Before",
        "Have copies",
        "Without this key nothing comes back. It declares a vault and a key in the other region, and has databases "
        "and the event log copied there once a day.",
        ("pulumi config set ${SYSTEM}:backup_copy_region $REGION --stack $LOST", "make up STACK=$LOST"),
        "A day later `aws backup list-backup-vaults --region $REGION` shows a vault with recovery points. Where it "
        "shows none, AWS Backup isn't opted in: set `backup_opt_in` in one stack of the account and region.",
    ),
    Step(
        "place",
        "Before",
        "A place to rebuild in",
        "The state of the lost stack is in its region, so the new one needs a state of its own; API Gateway needs "
        "its log role in each region. Quotas that were raised count in one region only: the third command lists "
        "what to have raised in the other one, and that takes days.",
        (
            "aws cloudformation deploy --template-file foundation/account.yaml --stack-name account-foundation "
            "--region $REGION --capabilities CAPABILITY_IAM",
            "aws cloudformation deploy --template-file foundation/state.yaml --stack-name $SYSTEM-$NEW-state "
            "--region $REGION --parameter-overrides Stack=$NEW",
            "groundplan recover $LOST --as $NEW --dry-run",
        ),
        "The last command names a recovery point for each database.",
    ),
    Step(
        "decide",
        "That night",
        "Decide",
        "What was written since the newest copy is given up, and there is no way to merge it later but by hand. "
        "Decide by the age of the copies (`groundplan recover $LOST --as $NEW --dry-run`) against how long the "
        "region may be away. Nothing below touches the lost stack until its domain is moved.",
    ),
    Step(
        "file",
        "That night",
        "Write the new stack's file",
        "Work on a branch from the commit that the lost stack ran: a later one may migrate, or deploy something else. "
        "The new stack has a name of its own, because roles, policies and records carry it, and those of the lost "
        "stack are still in the account. The command copies the lost stack's file, takes out what belongs to its "
        "region (what it remembers, images, zones, quotas, an existing cluster), and writes under `restored` the "
        "newest recovery point of each database.",
        ("groundplan recover $LOST --as $NEW",),
        "It lists each database with the age of its copy, and what has none. Read it, and commit the file.",
    ),
    Step(
        "state",
        "That night",
        "Log in to the new state",
        "The lost stack's state is left alone: its region can't be reached, and nothing in it is needed.",
        ('pulumi login "$BACKEND_URL"', 'pulumi stack init $NEW --secrets-provider="$SECRETS_PROVIDER"'),
    ),
    Step(
        "roles",
        "That night",
        "Who may deploy it",
        "The foundation's roles are of one stack. Those of the new one may restore the snapshots that its file names, "
        "with their key; of the lost stack they may use nothing else. Deploy as the administrators' role.",
        (
            "groundplan foundation --stack $NEW",
            "aws cloudformation deploy --template-file foundation/pipeline.$NEW.json "
            "--stack-name $SYSTEM-$NEW-pipeline --region $REGION --capabilities CAPABILITY_NAMED_IAM",
        ),
    ),
    Step(
        "deploy",
        "That night",
        "Deploy, with databases from their copies",
        "Databases are made from their snapshots, with the copies' key; replicas from their primaries. Topics, "
        "queues and caches begin empty, and the user pool has no accounts. The domain is not touched: the file "
        "names one of the new stack's own.",
        ("make up STACK=$NEW",),
        "`pulumi stack output url --stack $NEW` answers. Databases load the rest of their data while they are used, "
        "so first reads are slow.",
    ),
    Step(
        "images",
        "That night",
        "Build and deliver the services",
        "Image repositories have no copy, so images are built from this commit. Migrations find everything in place, "
        "and give the restored database users their new passwords.",
        ("make deliver STACK=$NEW",),
        "Sign in with an account made for it, and read something that was there yesterday.",
    ),
    Step(
        "domain",
        "That night",
        "Move the domain",
        "From here on there is no way back but the same way. The first command takes the name from the lost stack's "
        "distribution and deletes its records of this name; the deployment asks for certificates, and makes both "
        "anew. CloudFront and Route 53 are changed by way of us-east-1: while that region is away, no domain moves.",
        (
            "groundplan recover $LOST --as $NEW --release-domain",
            "pulumi config set ${SYSTEM}:domain $DOMAIN --stack $NEW",
            "make up STACK=$NEW",
        ),
        "`https://$DOMAIN` answers from the new stack.",
    ),
    Step(
        "users",
        "Afterwards",
        "Bring back the users",
        "Cognito has no copy in another region. People sign up again, or are imported from a list of your own (`aws "
        "cognito-idp create-user-import-job`). Either way they have a new subject, and rows whose owner is a "
        "subject stay with the old one: map them by a migration of your own, by what identifies a person in your "
        "data.",
    ),
    Step(
        "log",
        "Afterwards",
        "Restore the event log",
        "AWS Backup restores to a bucket of its own, as objects in the log are locked once written. Then consumers "
        "replay the days around the loss: databases are each as old as their own copy, so one may know what another "
        "has forgotten. Events that are handled twice change nothing.",
        (
            'aws backup start-restore-job --recovery-point-arn "$LOG_COPY" --iam-role-arn "$RESTORE_ROLE" '
            '--region $REGION --metadata "DestinationBucketName=$LOG_RESTORED,NewBucket=true,Encrypted=true,'
            'EncryptionType=SSE-S3,CreationToken=$NEW"',
            'aws s3 sync "s3://$LOG_RESTORED/events/" "s3://$LOG/events/" --region $REGION',
        ),
        "Athena finds events of the days before the loss. Delete the bucket between the two.",
    ),
    Step(
        "secure",
        "Afterwards",
        "Have copies again",
        "Until now the new stack has none. `restored` stays in its file: it says what the databases are encrypted "
        "with, and acts on nothing that exists.",
        (
            "pulumi config set ${SYSTEM}:backup_copy_region $NEXT --stack $NEW",
            "make up STACK=$NEW",
        ),
        "The deployment replaces no database.",
    ),
    Step(
        "part",
        "Afterwards",
        "When the region is back",
        "Its databases hold what was written after the copies: read from them what matters before they go. Its "
        "state can be reached again, and the stack destroyed. The key of the copies stays in the account, as the "
        "restored databases are encrypted with it; never delete it. A vault with recovery points refuses to go "
        "until their retention ends: `pulumi state delete` takes it out of the state.",
        ('pulumi login "$LOST_BACKEND_URL"', "groundplan destroy $LOST"),
    ),
)
"""In the order in which they are taken."""
