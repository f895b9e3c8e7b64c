from chat_app.gateway.estimate import estimate_prompt
from chat_app.messages import ChatRequest, Message, TextPart, Tool, ToolCallPart, ToolResultPart

LONG = "word " * 4000


def test_whatever_a_model_has_to_read_counts():
    for parts in ((TextPart(LONG),), (ToolResultPart("t", LONG),), (ToolCallPart("t", "n", LONG),)):
        assert estimate_prompt(ChatRequest("m", (Message("user", parts),))) > 4000
    assert estimate_prompt(ChatRequest("m", (), tools=(Tool("t", LONG),))) > 4000
    assert estimate_prompt(ChatRequest("m", (), tools=(Tool("t", "", {"properties": {"at": LONG}}),))) > 4000
