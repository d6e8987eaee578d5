package io.athanor.server.registry;

import io.athanor.api.registry.ModelKind;
import io.athanor.api.registry.ModelType;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.Search.Sort;
import io.athanor.api.registry.VersionState;
import io.athanor.server.http.HttpProblem;
import io.javalin.http.Context;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;

/** Reads a search from the part of an address after the question mark. */
final class SearchQueryString {
  private static final List<String> APART = List.of("name", "offset", "limit");

  private static final Map<String, BiFunction<Search, String, Search>> CONDITIONS =
      Map.ofEntries(
          Map.entry("text", Search::text),
          Map.entry("type", (search, value) -> search.type(choice(ModelType.class, value))),
          Map.entry("kind", (search, value) -> search.kind(choice(ModelKind.class, value))),
          Map.entry("state", (search, value) -> search.state(choice(VersionState.class, value))),
          Map.entry("task", Search::task),
          Map.entry("architecture", Search::architecture),
          Map.entry("alias", Search::alias),
          Map.entry("licence", Search::licence),
          Map.entry("backend", Search::backend),
          Map.entry("job", Search::job),
          Map.entry("tag", (search, value) -> search.tag(before(value), after(value))),
          Map.entry("atLeast", (s, value) -> s.metricAtLeast(before(value), number(after(value)))),
          Map.entry("atMost", (s, value) -> s.metricAtMost(before(value), number(after(value)))),
          Map.entry("sort", (search, value) -> search.sortBy(sort(value))));

  private SearchQueryString() {}

  /**
   * The search of a request.
   *
   * @throws HttpProblem 400 that names the parameter that is wrong
   */
  static Search read(Context ctx) {
    String part = ctx.queryParam("name");
    Search search = part == null ? Search.all() : Search.name(part);
    Page page = Page.of(ctx);
    for (Map.Entry<String, List<String>> parameter : ctx.queryParamMap().entrySet()) {
      if (!APART.contains(parameter.getKey())) {
        for (String value : parameter.getValue()) {
          search = narrowed(search, parameter.getKey(), value);
        }
      }
    }
    return search.page(page.offset(), page.limit());
  }

  private static Search narrowed(Search search, String name, String value) {
    BiFunction<Search, String, Search> condition = CONDITIONS.get(name);
    if (condition == null) {
      throw HttpProblem.parameter(
          name,
          "there is no such parameter; there are "
              + String.join(", ", APART)
              + ", "
              + String.join(", ", CONDITIONS.keySet().stream().sorted().toList()));
    }
    try {
      return condition.apply(search, value);
    } catch (IllegalArgumentException e) {
      throw HttpProblem.parameter(name, String.valueOf(e.getMessage()));
    }
  }

  private static Sort sort(String value) {
    boolean descending = value.startsWith("-");
    String by = descending ? value.substring(1) : value;
    if (by.startsWith("metric:")) {
      return new Sort.ByMetric(by.substring("metric:".length()), descending);
    }
    return switch (by) {
      case "created" -> new Sort.ByCreated(descending);
      case "updated" -> new Sort.ByUpdated(descending);
      case "name" -> new Sort.ByName(descending);
      default ->
          throw new IllegalArgumentException(
              "expected created, updated, name or metric:NAME, with '-' in front for the greatest"
                  + " first, got '"
                  + value
                  + "'");
    };
  }

  private static <E extends Enum<E>> E choice(Class<E> type, String value) {
    for (E one : type.getEnumConstants()) {
      if (one.name().toLowerCase(Locale.ROOT).equals(value)) {
        return one;
      }
    }
    throw new IllegalArgumentException(
        "expected one of "
            + Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT)
            + ", got '"
            + value
            + "'");
  }

  private static String before(String pair) {
    return pair.substring(0, colon(pair));
  }

  private static String after(String pair) {
    return pair.substring(colon(pair) + 1);
  }

  private static int colon(String pair) {
    int colon = pair.indexOf(':');
    if (colon < 1) {
      throw new IllegalArgumentException("expected NAME:VALUE, got '" + pair + "'");
    }
    return colon;
  }

  private static double number(String text) {
    double value = Double.parseDouble(text);
    if (Double.isNaN(value)) {
      throw new IllegalArgumentException("expected a number, got '" + text + "'");
    }
    return value;
  }
}
