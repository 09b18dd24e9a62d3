"""`make prove`: long campaigns, whose record is committed under docs/proof/.

A campaign is a test with a size and a seed of its own. Each run adds a row: date, commit, seed, size, what was found.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "docs" / "proof"
COLUMNS = ("date", "commit", "seed", "size", "tests", "failed", "seconds")


@dataclass(frozen=True)
class Campaign:
    """``size`` counts what is generated; ``variables`` hand it and the seed to the tests."""

    title: str
    says: str
    tests: tuple[str, ...]
    size: int
    unit: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def environment(self, size: int, seed: int) -> dict[str, str]:
        return {name: value.format(size=size, seed=seed) for name, value in self.variables.items()}


CAMPAIGNS = {
    "year": Campaign(
        "A year, rehearsed (issue 10)",
        "Some thirty operations on shop (dev and prod) and on twelve services on SQS, each judged; every call fails "
        "once, and every answer is lost once. Tables and pictures: year/. A part of one year is in `make test`.",
        ("infra/tests/rehearsal/test_year.py",),
        3,
        "years",
        {"PROVE_YEAR": "1"},
    ),
    "moving": Campaign(
        "Projects of the copied layout move to the libraries",
        "The last commit with copied libraries updates its projects by its own code: nothing is lost, all is told. "
        "Left out of `make test` as a folder, in tests/conftest.py.",
        ("tests/update_from_copied/test_update.py",),
        5,
        "updates",
        {"PROVE": "1"},
    ),
    "mutations": Campaign(
        "Every break of the program trips a control",
        "Programs with one thing broken, each by itself: `groundplan check`, the checklist and the policy pack find "
        "it, and agree.",
        ("tests/mutation",),
        105,
        "broken programs",
        {"PROVE": "1"},
    ),
    "own-program": Campaign(
        "The owner's own program is planned, checked, rehearsed and updated over",
        "Every example of docs/own-program.md is planned, accepted and rehearsed; the bucket, the argument and the "
        "ejected component in one project go through an update. Moved here by name: half a minute of CPU each.",
        ("tests/template/test_update_own_program.py", "tests/cli/test_own_program.py", "tests/cli/test_eject.py"),
        2,
        "updates",
        {"PROVE": "1"},
    ),
    "answers": Campaign(
        "Projects of all kinds of answers pass their own tests",
        "Thirteen sets of answers are copied, and each project runs its own `make test` untouched. "
        "Moved here by name: all but the default answers' own tests, a minute of CPU each, and the copies of eight.",
        ("tests/template/test_answers.py", "tests/template/test_services.py"),
        13,
        "projects",
        {"PROVE": "1"},
    ),
    "moving-files": Campaign(
        "No edit of any kind of file is lost by the move to the libraries",
        "Every file of a copied project is edited, others are added, renamed, deleted, linked or made executable; each "
        "is looked for afterwards, by its content, and the project's own quick tests are run.",
        ("tests/update_from_copied/test_every_kind.py",),
        1,
        "update",
        {"PROVE": "1"},
    ),
    "policies": Campaign(
        "The policy pack under the real engine",
        "Broken programs are deployed to the simulated cloud by the Pulumi CLI, with the policy pack: it reports of "
        "each what `groundplan check` finds. All breaks, or as many as the size says. Without a CLI nothing is proven.",
        ("tests/engine/test_breaks.py",),
        105,
        "broken programs",
        {"PROVE": "1", "BREAKS": "{size}", "BREAKS_SEED": "{seed}"},
    ),
    "following": Campaign(
        "Code follows the declaration (U7)",
        "Migrations of every single change of the table and of generated pairs of declarations: after both releases "
        "the database is that of the newer one, with old rows and the release before running. Ten pairs as whole "
        "projects are the files, the OpenAPI documents and the passing unit tests of projects made from the newer "
        "one. Answers and loader judge alike.",
        (
            "infra/tests/following",
            "tests/following/test_follow.py",
            "tests/following/test_pairs.py",
            "tests/template/test_judges.py",
        ),
        200,
        "pairs",
        {"PROVE": "1", "FOLLOWING_PAIRS": "{size}", "FOLLOWING_SEED": "{seed}"},
    ),
    "single-changes": Campaign(
        "Code that its owner edited follows every single change (U7)",
        "A project whose owner edited beside generated lines follows each change of the table, and ten at once: every "
        "edit is kept or marked, the change is classified as the table says, the code is formatted, typed by mypy and "
        "passes its unit tests. The migrations of the same changes are in the campaign `following`.",
        ("tests/following/test_every_change.py",),
        1,
        "table of changes",
        {"PROVE": "1"},
    ),
    "old-projects": Campaign(
        "Projects of long ago come after (U7)",
        "A project of a commit 200 back, with its owner's edits, is updated by its own code, follows a changed "
        "declaration, and its rows are migrated: the database is that of the declaration, nothing is lost. So does "
        "one whose tables are older still, and one of the last commit with copied libraries.",
        ("tests/following/test_old_commit.py", "tests/update_from_copied/test_follow.py"),
        3,
        "projects",
        {"PROVE": "1"},
    ),
    "events": Campaign(
        "Events through every fault",
        "Relays, consumers and projectors are killed, the broker is killed and started again, the database is stopped "
        "and started again: nothing is lost, doubled or out of order. On Kafka and on queues, each with so many "
        "processes killed. Moved here by name.",
        ("chassis/tests/events/test_faults.py",),
        100,
        "kills of processes for each broker",
        {"PROVE": "1", "EVENT_KILLS": "{size}", "EVENT_SEED": "{seed}"},
    ),
    "cancellations": Campaign(
        "Cancelled orders and their money (h10)",
        "So many orders of the sample are placed and cancelled after pauses of any length, by customers, by the "
        "support and by both at once, on real servers: in the end each cancelled order's money is given back or was "
        "never collected, each paid one's is there, and nothing was collected or given back twice.",
        ("tests/services/test_cancellations.py",),
        1_000,
        "orders",
        {"CANCELLATIONS": "{size}", "CANCELLATIONS_SEED": "{seed}"},
    ),
    "pages": Campaign(
        "Pages of the largest items (h6)",
        "A process of its own has rows of 0.9 MiB; ten clients ask for pages of a hundred at once. The "
        "process keeps within the smallest pod's memory, and the pages lead to every row once.",
        ("chassis/tests/http/test_heavy_pages.py",),
        100,
        "rows",
        {"HEAVY_ROWS": "{size}"},
    ),
    "api": Campaign(
        "Whole APIs, by generated requests of every kind (issue 13)",
        "Services with a field of every type and option run on real servers. Schemathesis asks in all its phases, with "
        "sound and with broken data and in sequences, as every role and without a token; half of the ids are rows of "
        "others. Directed requests ask for each documented answer. No 5xx but the 503 of a database that is away, no "
        "answer other than documented, at least 95 % of the documented pairs of operation and status reached, and no "
        "row of another one's in any answer, by an oracle that asks the database.",
        ("tests/services/test_api_campaign.py",),
        50_000,
        "requests",
        {"API_CASES": "{size}", "API_SEED": "{seed}"},
    ),
    "migrations": Campaign(
        "Migrations of a large table while requests go on (h19)",
        "Seven changes of a declaration at once, among them an index, a renamed and a unique field and a required one: "
        "the migrations that `make follow` writes run on so many rows by the service's own `migrate`, the first "
        "release's beside the code before them. No request fails. The same done the locking way fails requests, and "
        "`groundplan check` refuses it.",
        ("tests/following/test_under_load.py",),
        1_000_000,
        "rows",
        {"PROVE": "1", "MIGRATION_ROWS": "{size}"},
    ),
    "clients": Campaign(
        "Generated clients compile and are used (U7)",
        "The generators are fetched at their pins; clients in Python and TypeScript are made of an API, compiled "
        "strictly and used against its service. Needs the registries and Node.js.",
        ("tests/services/test_clients.py",),
        2,
        "languages",
        {"PROVE": "1"},
    ),
    "kills": Campaign(
        "Killed at any point, repaired (e8)",
        "The Pulumi engine gets SIGKILL at seeded points of creating, changing and destroying a stack with something "
        "of each way in which a repair finds things. After each, `groundplan repair` ends with a state that is the "
        "account, and nothing twice. Needs the Pulumi CLI.",
        ("tests/engine/test_repair.py::test_killed_wherever_it_is",),
        20,
        "points",
        {"KILLS": "{size}", "KILLS_SEED": "{seed}"},
    ),
    "faults": Campaign(
        "Every call of shop goes wrong once, under the Pulumi engine",
        "A stack is created, changed by ten times the load and destroyed. Every call that creates, changes or deletes "
        "goes wrong once: half of them are throttled, of the others the answer is lost after the work was done; in the "
        "next life it is the other way round. Deployments are repeated until nothing fails, and what had no answer is "
        "looked for in the account, as `groundplan up` does. Counts: faults-calls.md. Needs the Pulumi CLI, half an "
        "hour for each life.",
        ("tests/engine/test_faults.py::test_every_call_of_shop_goes_wrong_once",),
        4,
        "lives",
        {"FAULTS": "{size}", "FAULTS_SEED": "{seed}", "FAULTS_ROWS": "docs/proof/faults-calls.md"},
    ),
    "framing": Campaign(
        "Where a message ends (h2)",
        "Generated byte streams are read by the service's protocol and by a second parser; both must agree on every "
        "message's end, or the service must refuse and close.",
        ("chassis/tests/http/test_framing.py",),
        100_000,
        "byte streams",
        {"FRAMING_STREAMS": "{size}", "FRAMING_SEED": "{seed}"},
    ),
    "neighbours": Campaign(
        "One client in its rate limit beside others (h5)",
        "A service of the default answers with so many rows: one client asks for the longest and deepest lists, all "
        "that its limit lets it, over thirty connections; others' p95 at most doubles, by the median of five rounds. "
        "Wants a quiet machine. Numbers: build/bench/neighbours.txt.",
        ("tests/services/test_bench.py::test_one_client_in_its_limit_at_most_doubles_what_others_wait",),
        1_000_000,
        "rows",
        {"BENCH_ROWS": "{size}"},
    ),
    "memory": Campaign(
        "Memory over varied requests",
        "A process of a service answers so many requests, a third of them made up: names, ids, tokens, queries and "
        "bodies that are none. Its memory stays within a tenth of what it was after the first tenth of them. Numbers: "
        "build/bench/memory.txt.",
        ("tests/services/test_bench.py::test_memory_stays_flat_over_many_varied_requests",),
        200_000,
        "requests",
        {"BENCH_REQUESTS": "{size}"},
    ),
    "edges": Campaign(
        "Declarations at the edges of the model (d9)",
        "Generated declarations at the edges plan, or each remedy is followed until they do; the named edges are also "
        "declared in the simulated cloud, which refuses none.",
        ("infra/tests/program/test_edges.py",),
        500,
        "declarations",
        {"EDGES": "{size}"},
    ),
    "first-minutes": Campaign(
        "The README's first ten minutes, as a newcomer",
        "Every step of the README, its output compared, in an empty folder: a plain path, one with a blank and `é`; "
        "a user without rights, no identity for git. Not run here: `make dev`, whose servers an administrator "
        "installs; `pipx` in the place of `uvx`.",
        ("tests/front_door/test_first_ten_minutes.py",),
        2,
        "folders",
        {"PROVE_FIRST_MINUTES": "1"},
    ),
    "dev-page": Campaign(
        "The page of make dev, clicked through in a browser (U9)",
        "A project with the default answers runs under `make dev`; headless Chromium places an order and follows its "
        "trace to the payment, sees a broken handler's dead letter and has it handled again, and meets the empty, "
        "loading and broken states. On Kafka, and what differs on queues. No console message, nothing that axe-core "
        "finds. Needs npm and Chromium.",
        ("tests/front_door/test_dev_page.py",),
        2,
        "brokers",
        {"PROVE_PAGE": "1"},
    ),
    "site": Campaign(
        "The documentation as a site",
        "It is built strictly, links checked, by the pinned generator. Every page in headless Chromium, one of each "
        "kind on a phone and dark: no console message, nothing asked of anyone else, nothing wider than the window, "
        "nothing that axe-core finds; an alarm is looked up. Pictures: build/site. Needs npm and Chromium.",
        ("tests/front_door/test_site.py",),
        1,
        "site",
        {"PROVE_SITE": "1"},
    ),
    "report": Campaign(
        "The report page in a browser (issue 12)",
        "The reports of the reference system, of a tool of 2 requests/s and of thirty services, in headless Chromium, "
        "at a desk's width and a phone's, light and dark: no console message, nothing requested, nothing wider than "
        "the window, all reached by keyboard, and no violation that axe-core finds. Pictures: build/report. "
        "Needs Chromium, Node.js and the npm registry.",
        ("tests/front_door/test_report_in_a_browser.py",),
        3,
        "systems",
        {"PROVE_REPORT": "1"},
    ),
    "alarms-ring": Campaign(
        "Alarms ring in real faults, and end as their pages say (U9)",
        "In a project with the default answers `make bench-services WHAT=alarms` breaks what runs: alarms as shop/prod "
        "declares them, evaluated on what services and servers measure, ring and end. At least twelve pages.",
        ("tests/front_door/test_alarms_ring.py",),
        1,
        "project",
        {"PROVE_ALARMS": "1"},
    ),
    "alarms": Campaign(
        "Every alarm of ten other systems has its page (U8)",
        "The systems of docs/expectations/systems.yaml that the plan accepts are declared in the simulated cloud. Each "
        "alarm's description names a page that speaks of each of its metrics, and whose commands ask for dimensions "
        "that it has. The reference system's stacks are in `make test`.",
        ("infra/tests/alarms/test_systems.py",),
        10,
        "systems",
        {"PROVE": "1"},
    ),
    "regions": Campaign(
        "Every accepted region declares (e6, e7)",
        "The stack `prod` is declared in each region of the simulated cloud, whose zones lack what AWS's do.",
        ("infra/tests/program/test_regions.py",),
        33,
        "regions",
        {"REGIONS": "1"},
    ),
    "simulations": Campaign(
        "Larger and further programs, simulated",
        "Savings of production, costs of fifty services, accounts that two stacks claim, changes of production, "
        "ejected components. Moved here by name: five to forty seconds of CPU each; `make test` has a smaller system, "
        "or one of several such changes.",
        (
            "infra/tests/pricing",
            "infra/tests/program",
            "infra/tests/capacity/test_reach.py",
            "infra/tests/capacity/test_comparison.py",
            "infra/tests/test_repair_kinds.py",
            "infra/tests/changes/test_upgrades.py",
            "infra/tests/changes/test_sentence.py",
            "tests/cli/test_eject.py",
            "tests/cli/test_rehearse.py",
        ),
        1,
        "run of each",
        {"PROVE": "1"},
    ),
    "updates": Campaign(
        "Updates of whole projects, further ones",
        "New questions, migrations that may have run, services declared by a file. Moved here by name: ten to fifteen "
        "seconds of CPU each.",
        ("tests/template/test_update.py", "tests/template/test_update_services.py", "tests/cli/test_service.py"),
        1,
        "run of each",
        {"PROVE": "1"},
    ),
    "installation": Campaign(
        "Every way to install the libraries",
        "Environments are made from a commit, a repository, an override and vendor/, by a teammate, from a fork, from "
        "changed and from other wheels. Moved here by name: ten seconds of CPU each.",
        ("tests/installation", "tests/cli/test_removals.py", "tests/cli/test_setup.py"),
        1,
        "run of each",
        {"PROVE": "1"},
    ),
    "development": Campaign(
        "`make dev` and its servers through what happens to them",
        "A start that is ended in the middle, a service that can't migrate, tests that share servers over processes, "
        "servers that are killed and come back; and what the chassis does while they are away.",
        (
            "devkit/tests",
            "chassis/tests/caching/test_valkey.py",
            "chassis/tests/test_absences.py",
            "chassis/tests/test_watchdog.py",
        ),
        1,
        "run of each",
        {"PROVE": "1"},
    ),
    "properties": Campaign(
        "Properties of declaration, plan and memory",
        "Generated declarations and stacks are loaded, planned, planned again and compared.",
        (
            "infra/tests/capacity",
            "infra/tests/declaration/test_any_input.py",
            "infra/tests/program/test_remembered_sizes.py",
        ),
        2_000,
        "examples a property",
        {"HYPOTHESIS_PROFILE": "prove", "PROVE_EXAMPLES": "{size}", "PROVE_SEED": "{seed}"},
    ),
}


_SAVING = "infra/tests/pricing/test_savings.py::test"
_ACCOUNT = "infra/tests/program/test_one_account.py::test"
_ON_THE_WAY = "infra/tests/program/test_stability.py::test_u6_nothing_that_aws_refuses_lies_on_the_way"
_AGAIN = "a program simulated again, five to forty seconds of CPU (simulations)"
_INSTALLED = "an environment made again, ten seconds of CPU (installation)"
_STARTED = "servers started again or waited for, four to twenty seconds (development)"
_EDGE = "infra/tests/program/test_edges.py::test_an_edge_plans_or_its_remedies_lead_there"
_EXAMPLE = "tests/cli/test_own_program.py::test_an_example_is_planned_accepted_and_rehearsed"
_FAULT = "chassis/tests/events/test_faults.py::test"
_VALKEY = "chassis/tests/caching/test_valkey.py::test"
_ABSENCE = "chassis/tests/test_absences.py::test"
MOVED: Mapping[str, str] = {
    **{
        f"{_EXAMPLE}[{name}]": "a year of a stack, half a minute of CPU (own-program)"
        for name in ("bucket", "component", "argument", "transformation", "ejected")
    },
    "tests/cli/test_eject.py::test_a_changed_copy_is_planned_rehearsed_and_compared": (
        "a year of a stack, half a minute of CPU (own-program)"
    ),
    **{
        f"{_FAULT}_{name}": "servers that stop and start, most of a minute (events)"
        for name in (
            "relays_consumers_and_projectors_killed_at_any_moment",
            "the_broker_killed_and_started_again",
            "the_database_stopped_and_started_again",
            "events_of_each_order_are_in_the_topic_in_order_after_all_faults",
        )
    },
    **dict.fromkeys(
        (
            f"{_SAVING}_what_saves_most_of_production",
            f"{_SAVING}_each_saving_is_planned_and_simulated_anew",
            f"{_SAVING}_what_is_expected_to_save_does",
            f"{_SAVING}_production_at_ten_times_the_load",
            f"{_ACCOUNT}_the_account_is_said_to_have_one_when_two_stacks_claim_it",
            f"{_ACCOUNT}_what_a_stack_made_for_the_account_stays_when_the_stack_goes",
            f"{_ON_THE_WAY}[the proxy-dev]",
            f"{_ON_THE_WAY}[the proxy-staging]",
            f"{_ON_THE_WAY}[the proxy-prod]",
            f"{_ON_THE_WAY}[ten times the load-dev]",
            f"{_ON_THE_WAY}[ten times the load-staging]",
            f"{_ON_THE_WAY}[ten times the load-prod]",
            "infra/tests/changes/test_upgrades.py::test_pods_wait_for_the_database_that_grows_in_its_window",
            "infra/tests/changes/test_sentence.py::test_protection_is_lifted_in_the_order_of_deletion",
            "tests/cli/test_eject.py::test_with_all_subjects_ejected_the_same_is_deployed[dev]",
            "infra/tests/program/test_remembered_sizes.py::test_more_load_and_back[prod-10000-types1]",
            "infra/tests/changes/test_sentence.py::test_fifty_times_the_load_says_what_waits_and_what_does_not",
            "tests/cli/test_eject.py::test_with_all_subjects_ejected_the_same_is_deployed[prod]",
            "tests/cli/test_rehearse.py::test_a_fault_is_taken_up_again_and_one_that_meets_nothing_is_told",
            "infra/tests/capacity/test_reach.py::test_what_configuration_reaches_is_planned_and_held",
            "infra/tests/capacity/test_comparison.py::test_a_refused_variant_is_compared_up_to_what_refuses_it",
            "infra/tests/test_repair_kinds.py::test_whatever_was_being_made_is_found[prod]",
            "infra/tests/changes/test_upgrades.py::test_replicas_wait_for_a_primary_that_shrinks",
            f"{_ACCOUNT}_stacks_come_change_and_go_beside_each_other",
        ),
        _AGAIN,
    ),
    **dict.fromkeys(
        (
            "tests/installation/test_set_up.py::test_an_index_is_never_asked_for_ours[by_repository]",
            "tests/installation/test_set_up.py::test_an_index_is_never_asked_for_ours[by_override]",
            "tests/installation/test_set_up.py::test_an_index_is_never_asked_for_ours[by_vendor]",
            "tests/installation/test_set_up.py::test_a_teammate_gets_the_same_commit",
            "tests/installation/test_set_up.py::test_a_patched_checkout_stands_in",
            "tests/installation/test_set_up.py::test_a_fork_is_named_by_a_variable_too",
            "tests/installation/test_set_up.py::test_a_fix_is_taken_without_an_update",
            "tests/installation/test_set_up.py::test_an_update_brings_its_libraries",
            "tests/installation/test_vendor.py::test_wheels_of_another_version_than_the_project_are_refused",
            "tests/installation/test_vendor.py::test_only_what_vendor_made_is_removed",
            "tests/installation/test_vendor.py::test_sources_unpacked_are_a_checkout",
            "tests/installation/test_vendor.py::test_a_wheel_that_was_changed_is_refused",
            "tests/cli/test_removals.py::test_setup_takes_any_path_and_takes_up_what_was_interrupted[-c]",
            "tests/cli/test_removals.py::test_an_environment_from_before_there_were_stamps_is_taken",
            "tests/cli/test_removals.py::test_make_takes_a_path_with_blanks[templates/project/Makefile]",
            "tests/cli/test_removals.py::test_make_takes_a_path_with_blanks[Makefile]",
            "tests/cli/test_setup.py::test_requirements_without_hashes_are_refused",
            "tests/installation/test_set_up.py::test_libraries_and_template_have_to_fit",
            "tests/installation/test_set_up.py::test_a_git_hook_can_set_up",
        ),
        _INSTALLED,
    ),
    **dict.fromkeys(
        (
            "devkit/tests/test_dev.py::test_nothing_is_left_when_it_ends_in_the_middle_of_its_start[2]",
            "devkit/tests/test_dev.py::test_nothing_is_left_when_it_ends_in_the_middle_of_its_start[15]",
            "devkit/tests/test_dev.py::test_a_service_that_cannot_migrate_ends_it_with_what_it_said",
            "devkit/tests/test_plugin.py::test_servers_are_shared_and_names_are_not[options1]",
            "devkit/tests/test_plugin.py::test_servers_that_run_already_are_used_and_left",
            "devkit/tests/test_kafka.py::test_what_was_acknowledged_outlives_a_killed_broker",
            "devkit/tests/test_postgres.py::test_what_was_acknowledged_outlives_a_killed_primary",
            "devkit/tests/test_postgres.py::test_a_killed_replica_catches_up",
            "devkit/tests/test_valkey.py::test_a_user_outlives_a_restart_and_its_data_do_not",
            f"{_VALKEY}_c2_a_server_that_dies_is_a_miss_at_once_and_is_used_again_when_it_is_back[clustered]",
            f"{_VALKEY}_c2_a_server_that_hangs_costs_one_time_out_and_is_used_again_when_it_answers[clustered]",
            f"{_VALKEY}_c2_commands_under_way_when_a_server_dies_end_too[clustered]",
            f"{_VALKEY}_closing_leaves_nothing_behind[clustered]",
            f"{_ABSENCE}_without_any_database_only_copies_are_read[refused]",
            f"{_ABSENCE}_without_any_database_only_copies_are_read[reset]",
            f"{_ABSENCE}_without_the_primary_reads_go_on[refused]",
            f"{_ABSENCE}_without_the_primary_reads_go_on[reset]",
            "chassis/tests/test_watchdog.py::"
            "test_a_loop_that_turns_under_load_goes_on_and_nothing_is_watched_afterwards",
        ),
        _STARTED,
    ),
    f"{_EDGE}[20 resources of 100 fields-prod]": "two thousand fields, planned again, twenty seconds of CPU (edges)",
    f"{_EDGE}[100 services of 20 resources-prod]": "two thousand resources, five seconds of CPU; twenty stay (edges)",
    **dict.fromkeys(
        (
            "tests/template/test_update.py::test_a_new_question_takes_its_default_and_is_told",
            "tests/template/test_update_services.py::test_a_migration_that_may_have_run_is_never_written_anew",
            "tests/cli/test_service.py::test_a_file_can_say_what_a_line_cannot",
        ),
        "a project made and updated again, ten to fifteen seconds of CPU (updates)",
    ),
    **{
        f"tests/template/test_services.py::test_{name}[sqs]": "awkward services on queues, five seconds each (answers)"
        for name in (
            "the_declaration_is_sound_and_every_service_has_code",
            "what_needs_no_servers_passes",
            "what_needs_servers_can_be_collected",
        )
    },
    "tests/following/test_follow.py::test_tables_of_a_newer_template_get_a_migration": (
        "a project's migrations on a server, half a minute of CPU; infra/tests follow tables every time (following)"
    ),
    "tests/template/test_update_own_program.py": "two rehearsals and an update, three minutes of CPU (own-program)",
    "tests/following/test_under_load.py": "a service under load, half a minute also with few rows (migrations)",
    "tests/following/test_follow.py::test_a_declaration_is_followed_in_two_releases": (
        "a whole project's code, twice, two minutes of CPU (following)"
    ),
    "tests/following/test_follow.py::test_tables_come_before_what_is_declared_besides": (
        "a whole project's code, twice, half a minute of CPU; the tables alone are followed every time (following)"
    ),
}
"""Tests that run in a campaign alone, by name: why, and in which. Parts of others do where a list beside them says so:
`IN_EVERY_RUN` in tests/template/test_answers.py and tests/mutation/test_mutations.py, `EVERY` in infra/tests/following.
"""


def run(name: str, campaign: Campaign, size: int, seed: int) -> bool:
    """Runs one campaign and adds its row. Returns whether nothing was found."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        start = time.monotonic()
        options = ["-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *campaign.tests],
            cwd=ROOT,
            env={**os.environ, **campaign.environment(size, seed)},
            check=False,
        )
        seconds = time.monotonic() - start
        suite = next(iter(ElementTree.parse(report).getroot().iter("testsuite")))  # noqa: S314 - pytest's own file
    tests = int(suite.attrib["tests"]) - int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    row = (
        datetime.datetime.now(datetime.UTC).date().isoformat(),
        _commit(),
        str(seed),
        f"{size:,} {campaign.unit}",
        f"{tests:,}",
        str(failed),
        f"{seconds:.0f}",
    )
    record(name, campaign, row)
    return failed == 0 and tests > 0


def record(name: str, campaign: Campaign, row: Sequence[str]) -> None:
    path = RECORDS / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        head = [f"# {campaign.title}", "", campaign.says, "", f"Run again: `make prove WHAT={name}`.", ""]
        head += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
        path.write_text("\n".join(head) + "\n", encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write("| " + " | ".join(row) + " |\n")


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()

    changed = [line for line in git("status", "--porcelain").splitlines() if not re.search(r"docs/proof/", line)]
    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.prove", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"{', '.join(CAMPAIGNS)}; default: all")
    parser.add_argument("--size", type=int, help="how many are generated; default: the campaign's own")
    parser.add_argument("--seed", type=int, help="default: one that was not used before, from the clock")
    options = parser.parse_args()
    unknown = sorted(set(options.what) - CAMPAIGNS.keys())
    if unknown:
        parser.error(f"no campaign is called {', '.join(unknown)}; there are {', '.join(CAMPAIGNS)}")
    seed = options.seed if options.seed is not None else int(time.time())
    found = False
    for name in options.what or CAMPAIGNS:
        campaign = CAMPAIGNS[name]
        print(f"{name}: {campaign.title}, seed {seed}", flush=True)
        found |= not run(name, campaign, options.size or campaign.size, seed)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
