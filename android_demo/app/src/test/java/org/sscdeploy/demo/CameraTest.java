package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.Manifest;
import android.app.Application;
import android.content.pm.PackageManager;
import android.graphics.ImageFormat;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraManager;
import android.os.Looper;
import android.util.Size;
import android.view.TextureView;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowCameraCharacteristics;
import org.robolectric.shadows.StreamConfigurationMapBuilder;

/** The camera where there is none, where it may not be used, and where it is. */
@RunWith(RobolectricTestRunner.class)
public class CameraTest {
    /** What cameras themselves call the format of a JPEG. */
    private static final int BLOB = 0x21;

    private ActivityController<MainActivity> controller;
    private MainActivity activity;

    @Before
    public void start() {
        controller = Phone.start();
        activity = controller.get();
    }

    private static void hasCamera() {
        shadowOf(Phone.context().getPackageManager()).setSystemFeature(PackageManager.FEATURE_CAMERA_ANY, true);
        CameraCharacteristics camera = ShadowCameraCharacteristics.newCameraCharacteristics();
        Shadow.<ShadowCameraCharacteristics>extract(camera)
            .set(CameraCharacteristics.LENS_FACING, CameraCharacteristics.LENS_FACING_BACK);
        Shadow.<ShadowCameraCharacteristics>extract(camera)
            .set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, StreamConfigurationMapBuilder.newBuilder()
                .addOutputSize(BLOB, new Size(1280, 720))
                .addOutputSize(ImageFormat.PRIVATE, new Size(1280, 720))
                .build());
        shadowOf(Phone.context().getSystemService(CameraManager.class)).addCamera("0", camera);
    }

    @Test
    public void withoutACameraTheOtherWaysAreNamed() {
        shadowOf(Phone.context().getPackageManager()).setSystemFeature(PackageManager.FEATURE_CAMERA_ANY, false);
        Phone.click(activity, R.id.open_camera);
        Screenshot.take(activity, "trouble-no-camera");
        assertEquals("This device has no camera. Choose a picture, or tap one of the bundle’s.",
            Phone.notice(activity, R.id.notice));
    }

    @Test
    public void aDeviceThatOnlySaysThatItHasACameraIsNotBelieved() {
        shadowOf(Phone.context().getPackageManager()).setSystemFeature(PackageManager.FEATURE_CAMERA_ANY, true);
        shadowOf((Application) Phone.context()).grantPermissions(Manifest.permission.CAMERA);
        Phone.click(activity, R.id.open_camera);
        assertTrue(Phone.notice(activity, R.id.notice).startsWith("This device has no camera."));
    }

    @Test
    public void aRefusedPermissionIsSaidWithTheOtherWays() {
        hasCamera();
        Phone.click(activity, R.id.open_camera);
        String[] asked = shadowOf(activity).getLastRequestedPermission().requestedPermissions;
        assertEquals(Manifest.permission.CAMERA, asked[0]);
        activity.onRequestPermissionsResult(
            Requests.CAMERA_PERMISSION, asked, new int[] {PackageManager.PERMISSION_DENIED});
        Screenshot.take(activity, "trouble-permission-refused");
        assertTrue(Phone.notice(activity, R.id.notice).startsWith(
            "The camera may not be used: the permission was refused."));
        assertEquals("Camera", Phone.text(activity, R.id.open_camera));
    }

    @Test
    public void aGrantedPermissionOpensTheCameraAndLeavingClosesIt() {
        hasCamera();
        Phone.click(activity, R.id.open_camera);
        String[] asked = shadowOf(activity).getLastRequestedPermission().requestedPermissions;
        shadowOf((Application) Phone.context()).grantPermissions(Manifest.permission.CAMERA);
        activity.onRequestPermissionsResult(
            Requests.CAMERA_PERMISSION, asked, new int[] {PackageManager.PERMISSION_GRANTED});
        assertEquals(View.VISIBLE, activity.findViewById(R.id.camera).getVisibility());
        assertEquals("Take picture", activity.<Button>findViewById(R.id.open_camera).getText().toString());
        controller.pause().stop();
        assertEquals(View.GONE, activity.findViewById(R.id.camera).getVisibility());
    }

    @Test
    public void aCameraThatAnotherAppTakesAwayIsSaidWithTheOtherWays() {
        hasCamera();
        shadowOf((Application) Phone.context()).grantPermissions(Manifest.permission.CAMERA);
        Phone.click(activity, R.id.open_camera);
        TextureView view = activity.findViewById(R.id.camera);
        view.getSurfaceTextureListener().onSurfaceTextureAvailable(new SurfaceTexture(0), 1280, 720);
        shadowOf(Looper.getMainLooper()).idle();
        assertEquals(View.VISIBLE, view.getVisibility());
        shadowOf(Phone.context().getSystemService(CameraManager.class)).triggerDisconnect();
        shadowOf(Looper.getMainLooper()).idle();
        Screenshot.take(activity, "trouble-camera-lost");
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("The camera cannot be used at the moment; perhaps another app has it."));
        assertEquals(View.GONE, view.getVisibility());
        assertEquals("Camera", Phone.text(activity, R.id.open_camera));
    }

    @Test
    public void aGoldenPictureTakesThePlaceOfTheOpenCamera() {
        hasCamera();
        shadowOf((Application) Phone.context()).grantPermissions(Manifest.permission.CAMERA);
        Phone.click(activity, R.id.open_camera);
        ((ViewGroup) activity.findViewById(R.id.strip)).getChildAt(0).performClick();
        Phone.awaitRun();
        assertEquals(View.GONE, activity.findViewById(R.id.camera).getVisibility());
        assertEquals("Camera", Phone.text(activity, R.id.open_camera));
    }
}
