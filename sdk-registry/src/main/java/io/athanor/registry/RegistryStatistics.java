package io.athanor.registry;

import io.athanor.api.registry.ModelType;
import io.athanor.api.registry.VersionState;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.StatisticsQuery;
import java.sql.SQLException;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * How much there is in a registry, all models together.
 *
 * @param models with at least one version
 * @param versions of all models
 * @param byType how many versions of each type there are
 * @param byState how many versions in each state there are
 * @param bytes the size of all versions, as if they shared nothing
 * @param distinctBytes the size of their files, equal ones counted once
 * @param aliases how many point to a version
 * @param deployments how many are live
 * @param requests recorded for all versions
 * @param errors those that failed
 */
public record RegistryStatistics(
    long models,
    long versions,
    Map<ModelType, Long> byType,
    Map<VersionState, Long> byState,
    long bytes,
    long distinctBytes,
    long aliases,
    long deployments,
    long requests,
    long errors) {
  public RegistryStatistics {
    byType = Collections.unmodifiableMap(copy(ModelType.class, byType));
    byState = Collections.unmodifiableMap(copy(VersionState.class, byState));
  }

  private static <E extends Enum<E>> Map<E, Long> copy(Class<E> type, Map<E, Long> counts) {
    Map<E, Long> copy = new EnumMap<>(type);
    copy.putAll(counts);
    return copy;
  }

  static RegistryStatistics of(Session session) throws SQLException {
    Map<ModelType, Long> byType = new EnumMap<>(ModelType.class);
    StatisticsQuery.byType(session).forEach((t, n) -> byType.put(ModelType.valueOf(t), n));
    Map<VersionState, Long> byState = new EnumMap<>(VersionState.class);
    StatisticsQuery.byState(session).forEach((s, n) -> byState.put(VersionState.valueOf(s), n));
    return new RegistryStatistics(
        StatisticsQuery.models(session),
        StatisticsQuery.versions(session),
        byType,
        byState,
        StatisticsQuery.bytes(session),
        StatisticsQuery.distinctBytes(session),
        StatisticsQuery.aliases(session),
        StatisticsQuery.live(session),
        StatisticsQuery.requests(session),
        StatisticsQuery.errors(session));
  }
}
