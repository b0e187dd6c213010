package org.sscdeploy.demo.device;

import android.app.ActivityManager;
import android.content.Context;
import android.content.pm.PackageManager;
import android.os.Build;
import android.system.Os;
import android.system.OsConstants;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.sscdeploy.core.job.Device;
import org.sscdeploy.core.job.Environment;
import org.sscdeploy.core.job.Snapshot;
import org.sscdeploy.demo.engine.Engines;

/**
 * The device that the app runs on. Where that is no Android device but the JVM of a test, it says so: what was measured
 * there must not pass for a phone's.
 */
public final class AndroidDevice implements Device {
    private final Context context;
    private final Engines engines;
    private final Thermal thermal;
    private final Cpus cpus = new Cpus();

    /** The device under this context, with these runtimes. */
    public AndroidDevice(Context context, Engines engines) {
        this.context = context.getApplicationContext();
        this.engines = engines;
        this.thermal = new Thermal(context);
    }

    /** Its name: of the phone, or of the JVM that stands in for one. */
    public String name() {
        if (isHostJvm()) {
            return String.format("host JVM (%s, %s %s), no phone", System.getProperty("java.vm.name"),
                System.getProperty("os.name"), System.getProperty("os.arch"));
        }
        boolean doubled = Build.MODEL.toLowerCase().startsWith(Build.MANUFACTURER.toLowerCase());
        return doubled ? Build.MODEL : Build.MANUFACTURER + " " + Build.MODEL;
    }

    /** Whether this is a JVM that only acts as Android. */
    private static boolean isHostJvm() {
        // Android's own documentation promises this name for every version.
        return !"Dalvik".equals(System.getProperty("java.vm.name"));
    }

    /** Android's version, or what stands in for it. */
    public String system() {
        String android = "Android " + Build.VERSION.RELEASE + " (API " + Build.VERSION.SDK_INT + ")";
        return isHostJvm() ? System.getProperty("os.name") + ", simulated " + android : android;
    }

    /** The instruction set of this process. */
    public String machine() {
        return isHostJvm() ? System.getProperty("os.arch") : Build.SUPPORTED_ABIS[0];
    }

    /** Cores that this process may use. */
    public int cores() {
        return Runtime.getRuntime().availableProcessors();
    }

    /** Bytes of memory; empty where the system does not tell. */
    public OptionalLong memoryBytes() {
        if (isHostJvm()) {
            return Cpus.memoryBytes();
        }
        ActivityManager.MemoryInfo memory = new ActivityManager.MemoryInfo();
        context.getSystemService(ActivityManager.class).getMemoryInfo(memory);
        return memory.totalMem > 0 ? OptionalLong.of(memory.totalMem) : OptionalLong.empty();
    }

    /** Bytes of a page of memory; empty where the system does not tell. */
    public OptionalLong pageBytes() {
        long bytes = isHostJvm() ? 0 : Os.sysconf(OsConstants._SC_PAGESIZE);
        return bytes > 0 ? OptionalLong.of(bytes) : OptionalLong.empty();
    }

    /** Version of the app. */
    public String appVersion() {
        try {
            return context.getPackageManager().getPackageInfo(context.getPackageName(), 0).versionName;
        } catch (PackageManager.NameNotFoundException error) {
            throw new IllegalStateException("the app's own package is not there", error);
        }
    }

    @Override
    public Environment environment() {
        return new Environment(name(), processor(), machine(), cores(), memoryBytes(), system(),
            "ssc-deploy Android demo " + appVersion(), engines.versions());
    }

    /** Of the system on a chip; empty where the system does not tell. */
    public String processor() {
        if (isHostJvm() || Build.VERSION.SDK_INT < Build.VERSION_CODES.S) {
            return isHostJvm() ? cpus.model() : Build.HARDWARE;
        }
        return Build.SOC_MANUFACTURER + " " + Build.SOC_MODEL;
    }

    @Override
    public Snapshot snapshot() {
        Map<String, Double> temperatures = new LinkedHashMap<>();
        ThermalState state = thermal.now();
        if (!isHostJvm()) {
            state.batteryCelsius().ifPresent(celsius -> temperatures.put("battery", celsius));
        }
        return new Snapshot(System.currentTimeMillis() / 1e3, cpus.load(), cpus.governors(), cpus.frequenciesKhz(),
            Collections.unmodifiableMap(temperatures));
    }
}
