package io.athanor.deploy.target;

import java.util.Optional;

/**
 * The two Kubernetes objects of a served model, for {@code kubectl apply -f}: a Deployment whose
 * containers may do as little as possible, and a Service in front of it.
 *
 * @param name a label as RFC 1123 has it; also the model's name
 * @param image of the container
 * @param keys the Secret with the API keys of the server, if it asks for them
 * @param replicas how many of them
 * @param memoryMebibytes asked for, and the limit
 * @param drainSeconds how long a container that is told to stop answers what it has
 */
record KubernetesManifest(
    String name,
    String image,
    Optional<String> keys,
    int replicas,
    long memoryMebibytes,
    long drainSeconds) {
  private static final String TEMPLATE =
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: %1$s
        labels:
          app.kubernetes.io/name: %1$s
          app.kubernetes.io/managed-by: athanor
      spec:
        replicas: %3$d
        selector:
          matchLabels:
            app.kubernetes.io/name: %1$s
        strategy:
          type: RollingUpdate
          rollingUpdate:
            maxSurge: 1
            maxUnavailable: 0
        template:
          metadata:
            labels:
              app.kubernetes.io/name: %1$s
          spec:
            automountServiceAccountToken: false
            terminationGracePeriodSeconds: %6$d
            securityContext:
              runAsNonRoot: true
              runAsUser: %7$d
              runAsGroup: %7$d
              fsGroup: %7$d
              seccompProfile:
                type: RuntimeDefault
            containers:
              - name: model
                image: "%2$s"
                ports:
                  - name: http
                    containerPort: %8$d
                startupProbe:
                  httpGet:
                    path: /health/ready
                    port: http
                  periodSeconds: 2
                  failureThreshold: 150
                readinessProbe:
                  httpGet:
                    path: /health/ready
                    port: http
                  periodSeconds: 5
                  timeoutSeconds: 3
                livenessProbe:
                  httpGet:
                    path: /health
                    port: http
                  periodSeconds: 10
                  timeoutSeconds: 3
                  failureThreshold: 3
                resources:
                  requests:
                    cpu: "1"
                    memory: %4$dMi
                  limits:
                    memory: %4$dMi
                securityContext:
                  allowPrivilegeEscalation: false
                  readOnlyRootFilesystem: true
                  capabilities:
                    drop: ["ALL"]
                volumeMounts:
                  - name: temporary
                    mountPath: /tmp
      %9$s
            volumes:
              - name: temporary
                emptyDir:
                  sizeLimit: %5$dMi
      %10$s
      ---
      apiVersion: v1
      kind: Service
      metadata:
        name: %1$s
        labels:
          app.kubernetes.io/name: %1$s
          app.kubernetes.io/managed-by: athanor
      spec:
        selector:
          app.kubernetes.io/name: %1$s
        ports:
          - name: http
            port: 80
            targetPort: http
      """;

  /** Native libraries of engines are unpacked there. */
  private static final long TEMPORARY_MEBIBYTES = 1_024;

  private static final long GRACE_SECONDS = 10;

  private static final String MOUNT =
      """
      - name: keys
        mountPath: %s
        readOnly: true\
      """;

  private static final String VOLUME =
      """
      - name: keys
        secret:
          secretName: %s\
      """;

  String yaml() {
    return TEMPLATE.formatted(
        name,
        image,
        replicas,
        memoryMebibytes,
        TEMPORARY_MEBIBYTES,
        drainSeconds + GRACE_SECONDS,
        ContainerTarget.USER,
        ContainerTarget.PORT,
        keys.map(secret -> indented(MOUNT.formatted(ContainerTarget.KEYS), 12)).orElse(""),
        keys.map(secret -> indented(VOLUME.formatted(secret), 8)).orElse(""));
  }

  private static String indented(String lines, int spaces) {
    return lines.indent(spaces).stripTrailing();
  }
}
