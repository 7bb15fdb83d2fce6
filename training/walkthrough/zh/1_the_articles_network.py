# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. 文章里的网络
#
# 让程序给黑白照片上色，这怎么可能？2020 年，一位初学者 ThankRain 写下了自己做这样一个程序的经过：
# 一个只有 32202 个数字的*网络*，代码公开在 GitHub 上（`ThankRain/image_render`）。文章留下了三个没有回答的问题：
# 什么是卷积，卷积核由谁来定？网络为什么长成这个样子？怎样用许多大小不一的图片来训练？这几本笔记用图来回答。
#
# 这里说的网络不过是一个函数：输入一张图，输出一张图，里面全是加法和乘法，带着许多数字，叫*权重*。
# 这些数字没有人去写，是试出来的。怎么试，就是本笔记要讲的。
#
# 你只需要会 Python，并且知道 numpy 数组是一张带有 `shape`（形状）的数字表，其余的这里都会解释。*斜体*的词是术语，
# 全部收在[词汇表](../GLOSSARY.md)里。本笔记大约需要五分钟。
#
# 请按 Shift+Enter 依次运行每个单元格，从这段文字上面的那一格开始，它会安装缺少的东西。下面这一格载入后面要用的：
# *Keras* 是我们用来搭建网络的库（底下由 TensorFlow 计算），`color` 管颜色的各种写法，另外两个是我们自己的小工具：
# `samples` 读照片，`figures` 画图。如果它打印出关于 oneDNN、CUDA 或 GPU 的警告，不必管它：TensorFlow 找了找显卡，
# 没有找到而已。

# %%
import keras
import numpy as np
from skimage import color

from training import networks
from training.walkthrough import SMALL, begin, figures, samples

FOLDER = ''  # 也可以在这里写上你自己的彩色照片文件夹
EPOCHS = 2 if SMALL else 30  # 所有图片给网络看几遍；SMALL 用来快速试跑

begin()  # 出错时用一句话说明
keras.utils.set_random_seed(0)  # 让随机数每次都一样
pictures = samples.read(FOLDER)  # 没有写文件夹时，用各个库自带的八张照片
print(samples.machine())

# %% [markdown]
# ## 照片就是一张数字表
#
# 彩色照片是一个形状为（高, 宽, 3）的数组。每个位置（*像素*）有三个 0 到 255 的数字：
# 屏幕在那里发出多少红光、绿光和蓝光。三个数差不多时就是灰色，下面这个像素就是。请记住顺序：先高后宽。第 2 本笔记里，
# 文章的读图程序正是在这里出了错。

# %%
photo = pictures[0]
print('shape (height, width, 3):', photo.shape)
print('the pixel in the top left corner:', photo[0, 0])

# %% [markdown]
# 红绿蓝对我们不方便：只要变暗一点，三个数就都变了。所以上色程序用另一种写法来表示同样的颜色，叫 *CIELAB*，
# 简称 Lab。**L** 是明度，从 0（黑）到 100（白）；**a** 从绿（小于 0）到红（大于 0）；**b** 从蓝到黄。
# a 和 b 都是 0 的地方没有颜色，只有灰。
#
# 黑白照片就只有 L。所谓上色就是：**看着 L，猜出 a 和 b。** 其他什么都不用猜，L 保持原样，所以人脸绝不会走样。
#
# 下图是一张照片、它的 L，然后单独画出 a 和 b：各用自己代表的颜色来画，灰色表示 0。宇航服的橙色，在 a 里是红，在 b
# 里是黄。

# %%
figures.channels(photo)

# %% [markdown]
# 转成 Lab（`rgb2lab`）再转回来（`lab2rgb`，它给出 0 到 1 的数），什么也不会丢。看看来回一趟之后，
# 照片与原来相差多少级（共 0 到 255 级）。0 表示每个像素都原样回来了：

# %%
Lab = color.rgb2lab(photo)
back = np.round(255 * color.lab2rgb(Lab)).astype(int)
print('largest difference:', np.abs(back - photo).max(), 'levels of 255')

# %% [markdown]
# 关于 a 和 b 还有一件事，所有上色程序都靠它：眼睛几乎看不出颜色的细节。下图中，每 8 x 8 个像素只留一个 a 和一个 b，
# 也就是扔掉 64 个颜色值中的 63 个，而 L 完整保留（右图去掉 L，只画这些方块）。不特意找，你看得出来吗？

# %%
coarse = Lab.copy()
for top in range(0, Lab.shape[0], 8):
    for left in range(0, Lab.shape[1], 8):
        block = coarse[top : top + 8, left : left + 8, 1:]
        block[:] = block.mean((0, 1))  # block 是 coarse 的一部分，所以 coarse 也变了
without_L = coarse.copy()
without_L[..., 0] = 65
figures.row(
    {
        'a and b whole': photo,
        'a and b in blocks of 8': color.lab2rgb(coarse),
        'those blocks alone': color.lab2rgb(without_L),
    }
)

# %% [markdown]
# 所以上色程序可以只猜粗略的颜色，再铺到清晰的 L 上。我们自己的网络每 4 x 4 个像素只猜一种颜色。
#
# ## 什么是卷积？
#
# 单看 L 的一个像素，说不出它是什么颜色：明度 70 的灰可能是天空、皮肤或者墙。有用的是周围：那里有一条边，一片纹理，
# 还是一块平滑？*卷积*就是看周围的最简单的办法。
#
# 取一张 3 x 3 的数字表，叫*卷积核*。把它盖在图上的 3 x 3 个像素上，每个像素乘以盖住它的那个数，再把九个乘积加起来，
# 就得到结果里的一个数。然后把卷积核移动一个像素，再算一次，直到走遍整幅图。
#
# 下面只算一个位置：宇航员的深色头发与浅色墙壁交界处的九个像素，和一个在“越往右越亮”处有反应的卷积核。自己算算看：
# 第一行是 `-1 * 9 + 0 * 24 + 1 * 59`，再算另外两行。207 是很强的反应；在平整的墙上，结果大约是 0。

# %%
L = Lab[..., 0]
left_edge = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])

patch = L[100:103, 276:279].round().astype(int)
print('nine pixels of L:', patch, sep='\n')
print('the kernel:', left_edge, sep='\n')
print('their products, added up:', (patch * left_edge).sum())

# %% [markdown]
# 对所有位置一起算。卷积的全部内容就是这个函数。（在图的边上卷积核会伸出去，所以这里的结果小了两个像素。
# 网络会先在图的四周补一圈零，让大小不变，Keras 里写作 `padding='same'`。）我们试四个卷积核：一个取九个像素的平均，
# 两个在边缘处有反应，最后一个在像素与邻居不同的地方有反应。


# %%
def convolve(picture, kernel):
    """Lay a 3x3 kernel on every place of a picture, multiply and add up."""
    height, width = picture.shape
    result = np.zeros((height - 2, width - 2))
    for y in range(3):
        for x in range(3):
            # 卷积核的一个数，乘以它盖住的像素，所有位置一起算
            result += kernel[y, x] * picture[y : y + height - 2, x : x + width - 2]
    return result


blur = np.full((3, 3), 1 / 9)
top_edge = left_edge.T  # 行列对调：越往下越亮的地方
points = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
figures.row({'L': L, 'blur: the mean of nine': convolve(L, blur)})
figures.row(
    {
        'edges to the side': convolve(L, left_edge),
        'edges up and down': convolve(L, top_edge),
        'what differs from around': convolve(L, points),
    },
    limits=(-150, 150),
)

# %% [markdown]
# 每个卷积核都把同一张照片变成另一幅图，突出不同的东西。取平均会模糊，不过只有一点点，看头发就知道。下面一行里，
# 灰色是 0，白色表示卷积核要找的东西很多，黑色表示相反的东西很多。比如第一幅里，白色是越往右越亮的地方，
# 黑色是越往右越暗的地方。
#
# **卷积核由谁来定？** 上面四个是我定的。而在网络里**没有人**来定：卷积核一开始是随机数，训练时一点一点地改，
# 哪个方向能让猜的颜色更准，就往哪个方向改。下面我们会亲眼看到。
#
# ## 变小，再变大
#
# 3 x 3 的卷积核只能看到三个像素远。要看见整张脸，就得把图缩小：*步幅*为 2 时，卷积核每次移动两个像素，
# 结果的高和宽都减半。这样做三次，走一个像素就相当于在照片上走八个。*上采样*则相反：把每个值重复几遍。
# 但丢掉的东西不会回来：下面各图画得一样大，最后两幅看起来一模一样。

# %%
shown = {'L': L}
small = L
for halving in range(3):
    small = convolve(small, blur)[::2, ::2]  # 步幅 2：每隔一个取一个
    shown[f'stride 2, {halving + 1} times: {small.shape[0]} x {small.shape[1]}'] = small
shown['8 times larger again'] = small.repeat(8, axis=0).repeat(8, axis=1)
figures.row(shown)

# %% [markdown]
# ## 一层一层看网络
#
# 现在来看文章里的网络。它是一串*层*，每一层接着处理前一层的结果。卷积层不止一个卷积核，而有许多个，
# 也就得出同样多幅结果图，叫*通道*或*特征图*。如果输入有好几个通道，每个卷积核就对每个通道各有一张 3 x 3 的表，
# 所有乘积全部相加。再加上一个自己的数（*偏置*）之后，结果经过*激活函数*，这里是 *relu*：小于 0 的变成 0。
# 没有这个拐弯，十层也不会比一层更能干。有几层、每层几个卷积核（这里是 8、16、32），由造网络的人来定，靠的是尝试。
#
# 所以，从 `before` 个通道到 `after` 个通道的一层，每个卷积核有 `3 * 3 * before` 个数，共 `after` 个卷积核，外加
# `after` 个偏置。我们用手数一遍，再与 Keras 说的对照。输入的 `L` 只有一个通道，所以数组的形状以 1 结尾。
# 表中的大小按高 184、宽 272 的照片来算，文章用的就是这个大小；权重的个数与照片大小无关。
#
# 代码里，`Sequential` 是一串层，`Conv2D` 是卷积层（`filters` 是卷积核的个数），`UpSampling2D` 把高和宽加倍。
# 表要从上往下读：图先变小、变多，再变大、变少，最后剩两幅。真正的文件是 `training/networks/article.py`，
# 也长不了多少。


# %%
def conv(filters, strides=1, activation='relu'):
    return keras.layers.Conv2D(filters, 3, strides, padding='same', activation=activation)


def build_model():
    return keras.Sequential(
        [
            keras.layers.Input((None, None, 1)),  # L，高和宽都可以任意
            conv(8, strides=2),
            conv(8),
            conv(16),
            conv(16, strides=2),
            conv(32),
            conv(32, strides=2),
            keras.layers.UpSampling2D(),
            conv(32),
            keras.layers.UpSampling2D(),
            conv(16),
            keras.layers.UpSampling2D(),
            conv(2, activation='tanh'),  # 在 -1 与 1 之间
            keras.layers.Rescaling(128.0),  # a 和 b，-128 到 128
        ]
    )


model = build_model()
height, width, channels, total = 184, 272, 1, 0
print(f'{"layer":14} {"height x width x channels":28} {"weights, counted by hand":28} Keras counts')
for layer in model.layers:
    counted = ''
    if isinstance(layer, keras.layers.Conv2D):
        height, width = height // layer.strides[0], width // layer.strides[1]
        counted = f'3*3*{channels}*{layer.filters} + {layer.filters}'
        total += 3 * 3 * channels * layer.filters + layer.filters
        channels = layer.filters
    elif isinstance(layer, keras.layers.UpSampling2D):
        height, width = 2 * height, 2 * width
    print(f'{type(layer).__name__:14} {f"{height} x {width} x {channels}":28} {counted:28} {layer.count_params()}')
print(
    'all together:',
    total,
    'by hand,',
    model.count_params(),
    'by Keras,',
    networks.build('article').count_params(),
    'in training/networks/article.py',
)

# %% [markdown]
# 最后一层给出两个通道，即 a 和 b。*tanh* 把任何数弯到 -1 到 1 之间，再乘 128，a 和 b 就在 -128 到 128 之间；
# 屏幕上所有颜色的 a 和 b 也都在这个范围里。
#
# ## 它怎样学习
#
# *训练*就是反复做这件事：给网络看一些 L（一*批*，这里是八块），把它猜的 a、b 与真正的相比，然后把那 32202
# 个数各自朝着使差别变小的方向改一点点。这个方向叫*梯度*，Keras 会算。用一个数表示的差别叫*损失*，
# 这里是误差平方的平均值，叫*均方误差*（`mse`）。把所有图片过一遍叫一*轮*（epoch）。那“一点点”有多大，
# 叫*学习率*（下面是 3e-3，即 0.003）。走这种小步的规则叫*优化器*，Adam 是最常用的一种。在 Keras 里，`compile`
# 规定网络怎样学，`fit` 让它去学。另外留一个没训练过的副本，用来比较。
#
# 我们从几张照片里裁出 96 块来训练。这太少了：网络会认识这几张，别的都不认识。但要看卷积核怎样变化，已经够用。
# （该用多少照片、哪些照片，是第 2 本笔记的内容。）

# %%
crops = samples.crops(pictures, 8 if SMALL else 96, 96, 144)
Lab_crops = color.rgb2lab(crops).astype('float32')
L_crops, ab_crops = Lab_crops[..., :1], Lab_crops[..., 1:]
print('shown (how many, height, width, channels):', L_crops.shape, '  to be guessed:', ab_crops.shape)

untrained = keras.models.clone_model(model)
untrained.set_weights(model.get_weights())
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss='mse')
history = model.fit(L_crops, ab_crops, batch_size=8, epochs=EPOCHS, verbose=0).history['loss']
figures.curves({'loss on these cut-outs': history}, ylabel='mean squared error')

# %% [markdown]
# 损失在下降：它确实学到了东西。（曲线上升的地方，是一步迈得太大了。）假如网络总是回答灰色，损失就是下面的第一个数。
# 损失的平方根更好想象：它说明 a 或 b 一般差多少。总是回答灰色差 22，训练过的网络差 12。

# %%
print('always gray:', np.mean(ab_crops**2).round(1), '  trained:', round(history[-1], 1))

# %% [markdown]
# 这是第一层的八个卷积核，一列一个，上面是训练前（before），下面是训练后（after）。蓝色大于 0，红色小于 0，白色是 0。
# 起初只是噪声。训练改变了它们，不过大多改得很少，要仔细找才看得出来：许许多多的数字各改一点就够了。几分钟加几张照片，
# 别指望长出整齐的边缘检测器。

# %%
figures.kernels(untrained.layers[0].get_weights()[0], model.layers[0].get_weights()[0])

# %% [markdown]
# 卷积核做了什么，看它们把照片变成了什么更清楚，这里是一只猫的鼻子和眼睛。下面是特征图，
# 即第一、第四、第六个卷积的结果（各画八幅），一行是训练前（before），一行是训练后（after）。
# 办法是造一个在那一层就提前结束的网络。黄色表示卷积核在那里找到了它要找的东西，深蓝色表示没有找到。全是深色的图，
# 在这张照片里什么也没找到：relu 把它变成了 0。越深的图越小，所以看得见一格一格的像素。只在边上发亮的，来自那圈零。
# 深层的卷积核在找什么，说不出名字：没有人规定过。


# %%
def feature_maps(network, picture, place):
    part = keras.Model(network.inputs[0], network.layers[place].output)
    return np.array(part(picture[None]))[0]  # 一批里只有一幅图


rows = {}
for place, name in ((0, 'first'), (3, 'fourth'), (5, 'sixth')):
    rows[f'{name}, before'] = feature_maps(untrained, L_crops[1], place)
    rows[f'{name}, after'] = feature_maps(model, L_crops[1], place)
figures.maps(rows)

# %% [markdown]
# ## 它能看多远？
#
# 一个像素的颜色取决于它周围一块正方形的 L，叫*感受野*。有多大？直接试：改动图中的一列，看中间的答案变不变；
# 再试下一列。（relu 可能会把变化遮住，所以用网络的一个副本，让其中每个卷积核都只取平均。）起作用的各列是连在一起的。

# %%
wide_awake = keras.models.clone_model(model)
# 卷积核的表里全填同一个数，偏置填 0
wide_awake.set_weights(
    [
        np.full(weight.shape, 1 / weight[..., 0].size) if weight.ndim == 4 else 0 * weight
        for weight in model.get_weights()
    ]
)

side = 128
rng = np.random.default_rng(0)
plain = rng.uniform(0, 0.1, (1, side, side, 1)).astype('float32')
shaken = np.repeat(plain, side, axis=0)  # 每一列一幅图
for column in range(side):
    shaken[column, :, column] = 1
middle = side // 2
answers = np.array(wide_awake(shaken))[:, middle, middle]
plain_answer = np.array(wide_awake(plain))[0, middle, middle]
matter = np.flatnonzero(np.abs(answers - plain_answer).max(-1) > 0)
reach = matter[-1] - matter[0] + 1
print(f'columns {matter[0]} to {matter[-1]} count for the pixel in the middle: it sees {reach} pixels')

gray = L_crops[0, ..., 0]
top, left = (gray.shape[0] - reach) // 2, (gray.shape[1] - reach) // 2
figures.boxed(gray, {f'what one pixel sees: {reach} x {reach}': (top, left, reach, reach)})

# %% [markdown]
# 方框之外的东西，对这个像素来说不存在。在一张 1000 像素宽的照片里，这只是一扇小窗：
# 网络无从知道一块灰色属于湖面还是草地。这是第 3 本笔记要用更深网络的一个原因。
#
# ## 它把照片变成什么样
#
# 上面一行是照片，中间一行是网络看到的全部，下面一行是它的回答。别忘了，训练时它已经看过这些照片的一部分！


# %%
def colorize(network, picture):
    """A photo as the network would colour it: only its L is shown to the network."""
    L = color.rgb2lab(picture)[..., :1]
    tall, wide = (8 * (length // 8) for length in L.shape[:2])  # 三次减半，边长须是 8 的倍数
    L = L[:tall, :wide]
    ab = np.array(network(L[None]))[0]
    return color.lab2rgb(np.concatenate([L, ab], axis=-1))


few = samples.crops(pictures, 5, 160, 240, seed=7)
figures.grid(
    [few, [color.rgb2lab(picture)[..., 0] / 100 for picture in few], [colorize(model, picture) for picture in few]],
    names=['photo', 'L', 'answer'],
    limits=(0, 1),
)

# %% [markdown]
# 有些东西对了，很多是一片橙棕色，还有不知为何在那里结束的蓝斑。为什么偏偏是棕色？第 4 本笔记来回答。
# 先看[第 2 本](2_many_pictures.ipynb)：文章的训练错在哪里，怎样用好许多图片。
#
# **记住这些。** 照片是 L、a、b，只有 a 和 b 要猜。卷积是九个乘积加起来，卷积核是学出来的。步幅让图变小，
# 于是看得更远。训练就是：猜，比，改一点，再来。
#
# *来源。* 文章及其代码：ThankRain，`image_render`，GitHub，2020。CIELAB：CIE 1976。Keras：<https://keras.io>。
# 这里的文字和图均为重新制作。
