# SPDX-License-Identifier: Apache-2.0
"""The table of all calls of the API: it answers them, and makes the OpenAPI document."""

from __future__ import annotations

from plategate.console.api import (
    command_calls,
    file_calls,
    gate_calls,
    journal_calls,
    list_calls,
    setting_calls,
    stream,
    visit_calls,
)
from plategate.console.api.bodies import (
    AcknowledgeBody,
    CommandBody,
    EntryBody,
    EntryChangeBody,
    SampleBody,
    SettingBody,
    StillBody,
    VisitAnswerBody,
    VisitBody,
    WhyBody,
)
from plategate.console.api.call import ApiRoute
from plategate.console.api.inputs import (
    AlarmQuery,
    ChangeQuery,
    EntryQuery,
    EventQuery,
    FileQuery,
    FormQuery,
    LaneQuery,
    PageQuery,
    PassageQuery,
    PlateQuery,
    ResetQuery,
    StreamQuery,
    WhyQuery,
)
from plategate.console.api.keys import HEADERS
from plategate.console.tokens import Scope

PICTURES = ("image/jpeg", "image/png")
FILES = tuple(file_calls.FORM_OF)

ROUTES = (
    ApiRoute(
        "GET", "/lanes", Scope.LOOK, "The lanes of this console", gate_calls.lanes, {200: "Lanes"},
    ),
    ApiRoute(
        "GET", "/gate", Scope.LOOK, "State of a lane: arm, mode, inputs, fault, allow list",
        gate_calls.gate, {200: "Gate"}, query=LaneQuery, problems=(404,),
    ),
    ApiRoute(
        "GET", "/health", Scope.LOOK, "Failures, ages, counters, clock and temperature",
        gate_calls.health, {200: "Health"}, query=LaneQuery, problems=(404,),
    ),
    ApiRoute(
        "GET", "/figures", Scope.LOOK, "Passages by day and reason, trigger to relay; 14 days",
        gate_calls.figures, {200: "Figures"},
    ),
    ApiRoute(
        "GET", "/passages", Scope.PEOPLE, "Search passages, newest first",
        journal_calls.passages, {200: "PassagePage"}, query=PassageQuery,
        problems=(404, 409),
    ),
    ApiRoute(
        "GET", "/passages/{passage_id}", Scope.PEOPLE,
        "One passage, its events, and the listed plates nearest to its reading",
        journal_calls.passage, {200: "PassageInFull"}, query=LaneQuery,
    ),
    ApiRoute(
        "GET", "/passages/{passage_id}/pictures/{kind}", Scope.PEOPLE,
        "A picture of a passage; the kinds are the keys of its `evidence`",
        journal_calls.picture, {200: PICTURES}, query=LaneQuery,
    ),
    ApiRoute(
        "POST", "/passages/{passage_id}/sample", Scope.LISTS,
        "Keep the still of a passage that was read wrong for training",
        command_calls.keep_sample, {200: "CommandAnswer"}, body=SampleBody, problems=(409,),
        headers=HEADERS,
    ),
    ApiRoute(
        "GET", "/events", Scope.PEOPLE, "Search everything in the journal, newest first",
        journal_calls.events, {200: "EventPage"}, query=EventQuery,
        problems=(404, 409),
    ),
    ApiRoute(
        "GET", "/alarms", Scope.PEOPLE,
        "Events that call for a person: wanted vehicles and faults, newest first",
        journal_calls.alarms, {200: "AlarmPage"}, query=AlarmQuery, problems=(404, 409),
    ),
    ApiRoute(
        "POST", "/alarms/{sequence}/acknowledge", Scope.COMMAND,
        "Acknowledge an alarm; the sequence is that of its event",
        command_calls.acknowledge_alarm, {200: "CommandAnswer"}, body=AcknowledgeBody,
        problems=(409,), headers=HEADERS,
    ),
    ApiRoute(
        "GET", "/journal/check", Scope.LOOK, "Check the hash chain of the whole journal of a lane",
        journal_calls.check_journal, {200: "JournalCheck"}, query=LaneQuery, problems=(404,),
    ),
    ApiRoute(
        "GET", "/events/stream", Scope.PEOPLE,
        "Follow the journal: server-sent events, to be resumed with Last-Event-ID",
        stream.events_stream, {200: ("text/event-stream",)}, query=StreamQuery, problems=(404,),
        headers=(("Last-Event-ID", "the id of the last event received", False),),
    ),
    ApiRoute(
        "GET", "/lists", Scope.PEOPLE, "The three lists and their state",
        gate_calls.lists, {200: "Lists"},
    ),
    ApiRoute(
        "GET", "/lists/{list}/entries", Scope.PEOPLE, "Search the entries of a list",
        gate_calls.entries, {200: "EntryPage"}, query=EntryQuery, problems=(409,),
    ),
    ApiRoute(
        "POST", "/lists/{list}/entries", Scope.LISTS, "Add an entry to a list",
        list_calls.add_entry, {200: "Change"}, body=EntryBody, problems=(409,), headers=HEADERS,
    ),
    ApiRoute(
        "PATCH", "/lists/{list}/entries/{plate}", Scope.LISTS,
        "Change fields of the only entry of a plate; an empty text clears one",
        list_calls.change_entry, {200: "Change"}, body=EntryChangeBody, problems=(409,),
        headers=HEADERS,
    ),
    ApiRoute(
        "DELETE", "/lists/{list}/entries/{plate}", Scope.LISTS,
        "End all entries of a plate, also if its source has them",
        list_calls.remove_entries, {200: "Change"}, query=WhyQuery, problems=(409,),
        headers=HEADERS,
    ),
    ApiRoute(
        "POST", "/lists/{list}/entries/{plate}/follow", Scope.LISTS,
        "Withdraw what was changed by hand: the plate follows its source again",
        list_calls.follow_source, {200: "Change"}, body=WhyBody, problems=(409,), headers=HEADERS,
    ),
    ApiRoute(
        "GET", "/lists/{list}/check", Scope.PEOPLE,
        "A plate in canonical form, and what would be confused with it on a list",
        list_calls.check_plate, {200: "Check"}, query=PlateQuery, problems=(409,),
    ),
    ApiRoute(
        "GET", "/lists/{list}/file", Scope.LISTS, "A list as a file",
        file_calls.list_file, {200: FILES}, query=FormQuery,
    ),
    ApiRoute(
        "PUT", "/lists/{list}/file", Scope.LISTS, "Put the list of a file in force",
        file_calls.replace_list, {200: "Replaced"}, query=FileQuery, files=FILES,
        problems=(409,), headers=HEADERS,
    ),
    ApiRoute(
        "POST", "/lists/{list}/file/dry-run", Scope.LISTS,
        "What a file would change; nothing is changed",
        file_calls.try_file, {200: "DryRun"}, query=FileQuery, files=FILES, problems=(409,),
    ),
    ApiRoute(
        "GET", "/sync-preview", Scope.PEOPLE,
        "What the next sync would change; null before the sources are compared",
        file_calls.sync_preview, {200: "SyncPreview"},
    ),
    ApiRoute(
        "POST", "/sync-preview", Scope.LISTS, "Compare the sources with the lists",
        file_calls.start_sync_preview, {200: "SyncPreview"},
    ),
    ApiRoute(
        "GET", "/list-changes", Scope.PEOPLE, "Changes of the lists with who and why, newest first",
        list_calls.list_changes, {200: "ChangePage"}, query=ChangeQuery, problems=(409,),
    ),
    ApiRoute(
        "GET", "/list-changes/{number}", Scope.PEOPLE,
        "One change, and the entries of each plate before and after it",
        list_calls.list_change, {200: "ChangeInFull"},
    ),
    ApiRoute(
        "POST", "/list-changes/{number}/undo", Scope.LISTS, "Undo a change",
        list_calls.undo_change, {200: "Change"}, body=WhyBody, problems=(409,), headers=HEADERS,
    ),
    ApiRoute(
        "POST", "/commands", Scope.COMMAND, "Give a command to the gate, which follows it once",
        command_calls.give_command, {200: "CommandAnswer"}, body=CommandBody,
        problems=(404, 409),
        headers=HEADERS,
    ),
    ApiRoute(
        "GET", "/visits", Scope.LISTS, "All visits, those that wait for approval first",
        visit_calls.visits, {200: "Visits"},
    ),
    ApiRoute(
        "GET", "/visits/{id}", Scope.LISTS,
        "One visit: its link, the entries that are left, warnings about its plate",
        visit_calls.visit, {200: "VisitInFull"},
    ),
    ApiRoute(
        "POST", "/visits", Scope.LISTS, "Invite a visitor; the answer has the visitor's link",
        visit_calls.add_visit, {200: "VisitInFull"}, body=VisitBody, problems=(409,),
        headers=HEADERS,
    ),
    ApiRoute(
        "POST", "/visits/{id}/answer", Scope.LISTS,
        "Approve or refuse a plate, revoke a visit, or give it a new link",
        visit_calls.answer_to_visit, {200: "VisitInFull"}, body=VisitAnswerBody, problems=(409,),
        headers=HEADERS,
    ),
    ApiRoute(
        "GET", "/settings", Scope.LOOK, "Every setting with its limits and its origin",
        setting_calls.settings, {200: "Settings"}, query=LaneQuery, problems=(404,),
    ),
    ApiRoute(
        "PUT", "/settings/{key}", Scope.MANAGE, "Change a setting of the owner",
        setting_calls.change_setting, {200: "CommandAnswer"}, body=SettingBody, problems=(409,),
        headers=HEADERS,
    ),
    ApiRoute(
        "DELETE", "/settings/{key}", Scope.MANAGE,
        "Reset a setting to the value of the settings file",
        setting_calls.reset_setting, {200: "CommandAnswer"}, query=ResetQuery, problems=(409,),
        headers=HEADERS,
    ),
    ApiRoute(
        "POST", "/camera/still", Scope.AIM, "What the camera sees now, as one picture",
        setting_calls.camera_still, {200: ("image/jpeg",)}, body=StillBody, problems=(404, 409),
    ),
    ApiRoute(
        "GET", "/audit", Scope.MANAGE, "The audit log of the console, newest line first",
        gate_calls.audit, {200: "AuditPage"}, query=PageQuery, problems=(409,),
    ),
    ApiRoute(
        "GET", "/logins", Scope.MANAGE, "Logins of people to the pages",
        gate_calls.logins, {200: "Logins"},
    ),
    ApiRoute(
        "DELETE", "/logins/{id}", Scope.MANAGE, "End a login",
        gate_calls.end_login, {204: ()},
    ),
)  # fmt: skip
