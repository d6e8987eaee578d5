package io.athanor.model.text.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a template knows of the loop that it is in. */
record Loop(List<Object> items, int index) {
  @Nullable Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "previtem" -> index == 0 ? null : items.get(index - 1);
      case "nextitem" -> index == items.size() - 1 ? null : items.get(index + 1);
      case "cycle" -> (Function) this::cycle;
      default -> null;
    };
  }

  private Object cycle(Rendering rendering, Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw rendering.error("loop.cycle needs an argument");
    }
    return arguments.positional().get(index % arguments.positional().size());
  }
}
