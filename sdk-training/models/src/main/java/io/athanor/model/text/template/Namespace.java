package io.athanor.model.text.template;

import java.util.Map;

/** The one value that a template can change, so that a loop can hand something to what follows. */
record Namespace(Map<String, Object> values) {}
